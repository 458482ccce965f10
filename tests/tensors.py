"""Comparing tensors that come of many float steps: to the scale of the whole, since small elements round as
large ones do."""

from __future__ import annotations

from torch import Tensor


def close(found: Tensor, wanted: Tensor, share: float = 1e-4) -> bool:
    """Whether two tensors differ nowhere by more than a share of the largest element."""
    return found.shape == wanted.shape and float((found - wanted).abs().max()) <= share * max(
        float(wanted.abs().max()), 1e-12
    )
