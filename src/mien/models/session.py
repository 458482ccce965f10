"""Net: a verified model file turned into `card` and `run(**arrays)`. The only file that imports
onnxruntime."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ..errors import ModelError
from ..types import Array, Networks
from .card import KEY, Card

PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "coreml": "CoreMLExecutionProvider",
    "directml": "DmlExecutionProvider",
}


def onnxruntime() -> Any:
    """The package, with its telemetry off. Its wheels since 1.29 keep a device id and a queue of events in
    the user's cache, and look for a collector, unless this variable is set before the import;
    `disable_telemetry_events` comes too late."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    import onnxruntime as ort  # pyright: ignore[reportMissingTypeStubs]

    return ort


class Net:
    """One network, ready to run.

    name: what the label calls it; sha256: of the file; card: what it says about itself; inputs: shape by
    name. `ModelError` where the file is no ONNX model, carries no card, or the device is not there.
    """

    def __init__(self, name: str, path: Path, sha256: str, *, device: str = "cpu", threads: int = 0) -> None:
        ort = onnxruntime()
        if device not in PROVIDERS or PROVIDERS[device] not in ort.get_available_providers():
            raise ModelError(
                f"device {device!r} is not available here: use 'cpu', or see what `mien doctor` lists"
            )
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        # threads that wait do not spin: small networks are no slower for it, and leave the core to others
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # kernels for 8 bits overflow on processors without VNNI, as most laptops have: what is stored so is computed in
        # floating point
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        options.log_severity_level = 4  # errors are raised, too
        try:
            self._session = ort.InferenceSession(str(path), options, providers=[PROVIDERS[device]])
        except Exception as error:  # onnxruntime raises its own unrelated types
            raise ModelError(
                f"{path.name} is not a network that ONNX Runtime can read ({str(error).splitlines()[0]})"
            ) from error
        metadata = self._session.get_modelmeta().custom_metadata_map
        if KEY not in metadata:
            raise ModelError(f"{path.name} carries no card: export it with `mien export`")
        self.name, self.sha256 = name, sha256
        self.card = Card.from_json(metadata[KEY], path.name)
        self.inputs: dict[str, list[Any]] = {i.name: i.shape for i in self._session.get_inputs()}
        self.outputs = tuple(o.name for o in self._session.get_outputs())

    @property
    def networks(self) -> Networks:
        """What a label says of it."""
        return ((self.name, self.sha256),)

    def tensor(self, pixels: Array) -> Array:
        """`pixels [H, W, 3]` uint8 at the size and in the range that the card says: `[1, 3, S, S]`
        float32."""
        side, (low, high) = self.card.size, self.card.value_range
        pixels = cv2.resize(
            pixels, (side, side), interpolation=cv2.INTER_AREA if len(pixels) > side else cv2.INTER_CUBIC
        )
        return np.ascontiguousarray(
            (pixels.astype(np.float32) * ((high - low) / 255) + low).transpose(2, 0, 1)[None]
        )

    def run(self, **arrays: Array) -> dict[str, Array]:
        """Run once: input arrays by name -> output arrays by name. `ModelError` where the network cannot."""
        feeds: dict[str, Any] = arrays
        try:
            results: Any = self._session.run(None, feeds)
        except MemoryError:
            raise
        except Exception as error:
            raise ModelError(f"{self.name} cannot be run ({str(error).splitlines()[0]})") from error
        return dict(zip(self.outputs, results, strict=True))


def providers() -> list[str]:
    """The execution providers that this installation of ONNX Runtime offers."""
    return list(onnxruntime().get_available_providers())
