"""Edit the largest face of a clip. Sound and time stamps stay as they are.

python examples/clip.py clip.mp4 out.mp4
"""

import sys

from mien import edit_clip


def main(source: str, target: str) -> None:
    summary = edit_clip(source, target, age=30, face="largest", resume=True)
    print(f"wrote {target}: {summary.frames} frames")


if __name__ == "__main__":
    main(*sys.argv[1:])
