"""What a run writes for people to look at: `log.jsonl`, event files for TensorBoard, previews."""

from __future__ import annotations

import json
import time
from pathlib import Path

import cv2
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.utils.tensorboard.writer import SummaryWriter

from ...io import outputs

BOARD_EVERY = 10  # steps between TensorBoard's points; log.jsonl has every step
COLUMNS = 12  # of a preview


class Log:
    """The logs of a run from step `first` on; what was logged of later steps before a kill is dropped, since
    they come again."""

    def __init__(self, folder: Path, first: int) -> None:
        self.folder, path = folder, folder / "log.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines() if first and path.is_file() else []
        whole = [line for line in lines if line.endswith("}")]  # a kill may have cut the last one
        kept = [line + "\n" for line in whole if json.loads(line)["step"] <= first]
        path.write_text("".join(kept), encoding="utf-8")
        self._lines = path.open("a", encoding="utf-8", buffering=1)
        self._board = SummaryWriter(str(folder), purge_step=first + 1)

    def scalars(self, step: int, scalars: dict[str, float]) -> None:
        """Note the numbers of a step."""
        self._lines.write(json.dumps({"step": step, "time": time.time(), **scalars}) + "\n")
        if step % BOARD_EVERY == 0 or "held_out" in scalars:
            for name, value in scalars.items():
                self._board.add_scalar(name, value, step)

    def preview(self, step: int, pictures: Tensor) -> None:
        """Write `pictures [N, 3, H, W]` in [-1, 1] as one, in rows of twelve."""
        pixels = ((pictures.float().cpu().clamp(-1, 1) + 1) * 127.5).round().byte()
        pixels = F.pad(pixels, (0, 0) * 3 + (0, -len(pixels) % COLUMNS), value=255)
        sheet = torch.cat([torch.cat(list(row), 2) for row in pixels.split(COLUMNS)], 1)  # [3, rows H, 12 W]
        data = cv2.imencode(".png", sheet.permute(1, 2, 0).numpy()[..., ::-1])[1].tobytes()
        # whole, as somebody may look on
        outputs.write(self.folder / f"preview-{step:06d}.png", data, force=True)
        self._board.add_image("preview", sheet, step)
        self._board.flush()

    def close(self) -> None:
        """Write out what is still in memory."""
        self._lines.close()
        self._board.close()
