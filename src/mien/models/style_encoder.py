"""StyleEncoder: a picture -> its manner as numbers, by a network of role "style_encoder"."""

from __future__ import annotations

from ..types import Array
from .session import Net


class StyleEncoder:
    """Runs `picture [1, 3, S, S]` -> `vector [1, E]`, which a translator of the same family draws by."""

    def __init__(self, net: Net) -> None:
        self.net = net

    def vector(self, picture: Array) -> Array:
        """The manner of a picture `[H, W, 3]` uint8: `[E]`."""
        return self.net.run(picture=self.net.tensor(picture))["vector"][0]
