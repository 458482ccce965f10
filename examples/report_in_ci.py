"""Check edited photos in CI: exit with 1 if an edit touched too much, or if a label is missing or broken.

python examples/report_in_ci.py originals/ edited/

Photos belong together by their names, without the suffix. Use PNG for the edited ones, because a JPEG
differs a little everywhere.
"""

import sys
from pathlib import Path

from mien import read, verbs, verify
from mien.measure.report import passed

LIMITS = {"max_outside": 0, "max_seam": 1.1, "min_identity": 0.7}


def problems(before: Path, after: Path) -> list[str]:
    report = verbs.report(read(before), read(after))
    found = list(passed(report.worst, LIMITS))
    if (state := verify(after).state) != "intact":
        found.append(f"the label is {state}")
    return found


def main(originals: str, edited: str) -> int:
    sources = {path.stem: path for path in Path(originals).iterdir()}
    failed = 0
    for after in sorted(Path(edited).iterdir()):
        before = sources.get(after.stem)
        found = problems(before, after) if before else [f"{originals} has no original of that name"]
        print(f"{after.name}: {'; '.join(found) or 'good'}")
        failed += bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
