"""The peak memory of commands as new processes: a photo of 12 megapixels edited and stylized, a published
checkpoint imported.

    python benchmarks/memory.py [--json benchmarks/results/memory.json]

The networks are of chance weights and of the published sizes. The process ends with 1 where a photo is
stylized in 1 GB or more.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from edit import HOPPER, enlarged, process
from figures import save
from stylize import TITLES, chance

MOST = 1000  # megabytes


def made(photo: Path, checkpoint: Path) -> None:
    """What the commands read: a photo, the networks in MIEN_HOME, and pix2pix's generator as it is
    published."""
    import torch

    enlarged(HOPPER, photo)
    torch.save(chance(photo.parent)["pix2pix"].state_dict(), checkpoint)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []

    def told(what: str, *words: str | Path) -> int:
        _, peak = process(sys.executable, "-m", "mien", *map(str, words))
        rows.append({"what": what, "megabytes": round(peak)})
        print(rows[-1], flush=True)
        return rows[-1]["megabytes"]

    with tempfile.TemporaryDirectory() as name:
        os.environ["MIEN_HOME"] = name
        photo, out, checkpoint = (Path(name) / each for each in ("photo.jpg", "out.jpg", "latest_net_G.pth"))
        # by another process: a child's peak counts from its parent's
        maker = multiprocessing.get_context("spawn").Process(target=made, args=(photo, checkpoint))
        maker.start()
        maker.join()
        told("`mien edit`, photo of 12 megapixels", "edit", photo, "--smile", "0.8", "-o", out)
        stylized = [
            told(
                f"`mien stylize`, photo of 12 megapixels, {TITLES[net]}",
                *("stylize", photo, "--with", net, "-o", out, "--force"),
            )
            for net in ("cyclegan", "pix2pix")
        ]
        size = round(checkpoint.stat().st_size / 1e6)
        told(
            f"`mien models import`, pix2pix's checkpoint of {size} MB",
            *("models", "import", checkpoint, "--name", "mine"),
        )
    save(asked.json, "python benchmarks/memory.py", rows, checkpoint_megabytes=size)
    if max(stylized) >= MOST:
        sys.exit(f"a photo was stylized in {max(stylized)} MB, wanted less than {MOST}")


if __name__ == "__main__":
    main()
