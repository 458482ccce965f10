"""Edit one photo, check the result, and read its label.

python examples/edit_photo.py photo.jpg out.png
"""

import sys
from pathlib import Path

from mien import edit, read, verbs, verify, write


def main(source: str, target: str) -> None:
    photo = read(source)
    edited = edit(photo, smile=0.8, age=10, face="largest")
    write(edited, target)

    report = verbs.report(photo, edited)
    print(f"pixels changed outside the face: {report.outside.count}")
    print(f"similarity of the face: {report.faces[0].identity:.3f}")

    verdict = verify(Path(target))
    for step in verdict.history:
        print(f"label: {verdict.state}, {step.verb} {step.arguments}")


if __name__ == "__main__":
    main(*sys.argv[1:])
