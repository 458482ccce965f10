"""Write the sha256 of every bundled network into `src/mien/weights/catalogue.toml`: run after a network was
replaced.

python tools/catalogue.py
"""

import re
from pathlib import Path

from mien.models.catalogue import WEIGHTS, sha256_of


def main() -> None:
    path = WEIGHTS / "catalogue.toml"
    text = path.read_text(encoding="utf-8")
    for name in re.findall(r'file = "(.+?)"', text):
        text = re.sub(
            rf'(file = "{re.escape(name)}"\nsha256 = ")[0-9a-f]*"',
            rf'\g<1>{sha256_of(Path(WEIGHTS / name))}"',
            text,
        )
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
