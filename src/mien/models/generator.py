"""Mapper and Generator: noise -> styles -> pictures, by networks of these two roles."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import RequestError
from ..types import Array
from .session import Net

TRUNCATION = 0.7  # where a card says nothing
AVERAGED = 256  # draws that a mean w under conditions is taken of


class Mapper:
    """Runs `z [N, Z]` (and `label [N, C]`, `condition [N, K]`) -> `w [N, W]`, untruncated; the card holds the mean
    w. truncation: how far from it faces are drawn where nothing is said; conditions: what can be asked of them."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.truncation = net.card.measured.get("truncation", TRUNCATION)
        self.conditions = {one.name: one for one in net.card.conditions}

    def styles(
        self,
        z: Array,
        psi: float,
        label: Array | None = None,
        conditions: Mapping[str, float] | None = None,
    ) -> Array:
        """`w [N, W]` drawn towards the mean w by the truncation `psi`: 1 is as they come, 0 the mean (Karras
        et al. 2019, section 3.2). conditions: values by name; the mean is then that of faces which are so."""
        w = self._untruncated(z, label, conditions or {})
        if psi == 1 or not self.net.card.w_avg:
            return w
        mean = np.array(self.net.card.w_avg, np.float32)
        if conditions:
            others = np.random.RandomState(0).randn(AVERAGED, z.shape[1])
            mean = self._untruncated(others, None, conditions).mean(0)
        return mean + psi * (w - mean)

    def _untruncated(self, z: Array, label: Array | None, conditions: Mapping[str, float]) -> Array:
        given = {"z": z.astype(np.float32)}
        if "label" in self.net.inputs:
            classes = int(self.net.inputs["label"][-1])
            given["label"] = (
                np.zeros((len(z), classes), np.float32) if label is None else label.astype(np.float32)
            )
        if self.conditions:
            told = [conditions.get(name, np.nan) for name in self.conditions]  # not a number: not asked
            given["condition"] = np.tile(np.array(told, np.float32), (len(z), 1))
        return self.net.run(**given)["w"]

    def noise(self, seed: int) -> Array:
        """The z `[1, Z]` of a seed."""
        return np.random.RandomState(seed).randn(1, int(self.net.inputs["z"][-1]))


class Generator:
    """Runs `ws [N, L, W]` -> `pixels [N, 3, S, S]`."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.layers = int(net.inputs["ws"][1])
        self.space = net.sha256

    def draw(self, w: Array) -> Array:
        """Pictures `[N, S, S, 3]` uint8 of styles `w [N, W]`, the same for all layers, or `[N, L, W]`."""
        return np.clip(np.rint(self.shades(w) * 255), 0, 255).astype(np.uint8)

    def shades(self, w: Array) -> Array:
        """The same as fractions of the full range, neither rounded nor cut: float32."""
        ws = np.repeat(w[:, None], self.layers, 1) if w.ndim == 2 else w
        if ws.shape[1] != self.layers:
            raise RequestError(f"styles for {ws.shape[1]} layers came, {self.net.name} has {self.layers}")
        low, high = self.net.card.value_range
        pixels = self.net.run(ws=np.ascontiguousarray(ws, np.float32))["pixels"]
        return ((pixels - low) / (high - low)).transpose(0, 2, 3, 1).copy()
