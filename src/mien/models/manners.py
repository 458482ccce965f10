"""Manners: those that have a name, as numbers that a translator draws by (an `.npz` of role "manners")."""

from __future__ import annotations

from pathlib import Path

from ..types import Array, Networks
from .card import arrays


class Manners:
    """Manners by name, in the order in which they are listed."""

    def __init__(self, name: str, path: Path, sha256: str) -> None:
        self.name, self.sha256 = name, sha256
        self.card, self._vectors = arrays(path)

    @property
    def networks(self) -> Networks:
        """What a label says of it."""
        return ((self.name, self.sha256),)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._vectors)

    def vector(self, name: str) -> Array:
        """The numbers `[E]` of a manner."""
        return self._vectors[name]
