"""Edit all photos of a folder, one process for each core, one thread in each.

python examples/batch.py photos/ out/

`mien edit photos/ --age 20 -o out/ --resume` does the same and can continue after a stop.
"""

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from pathlib import Path

from mien import Kit, MienError, edit, read, write

SUFFIXES = (".jpg", ".png", ".webp")


@cache
def kit() -> Kit:
    """The networks of this process, opened once."""
    return Kit(threads=1)


def edit_one(folder: Path, source: Path) -> str:
    try:
        write(edit(read(source), age=20, kit=kit()), folder / source.name)
    except MienError as error:  # one line that says what is wrong; the other photos go on
        return f"failed: {error}"
    return f"wrote {folder / source.name}"


def main(photos: str, out: str) -> None:
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted(path for path in Path(photos).iterdir() if path.suffix.lower() in SUFFIXES)
    with ProcessPoolExecutor() as pool:
        for line in pool.map(partial(edit_one, folder), sources):
            print(line)


if __name__ == "__main__":
    main(*sys.argv[1:])
