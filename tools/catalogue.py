"""The catalogue of bundled networks, `src/mien/weights/catalogue.toml`: what tools write into it. Run after a
network was replaced by hand, to write every sha256 anew.

python tools/catalogue.py
"""

import re

from mien.models.card import Card
from mien.models.catalogue import WEIGHTS, sha256_of

PATH = WEIGHTS / "catalogue.toml"


def register(name: str, role: str, file: str) -> str:
    """Put the row of a network whose `file` lies in WEIGHTS into the catalogue, in place of an earlier one of
    that name; returns its sha256."""
    digest = sha256_of(WEIGHTS / file)
    row = f'[{name}]\nrole = "{role}"\nfile = "{file}"\nsha256 = "{digest}"\n'
    text, found = re.subn(
        rf"\[{re.escape(name)}\]\n(?:[^\[\n].*\n)*", lambda _: row, PATH.read_text(encoding="utf-8")
    )
    PATH.write_text(text if found else f"{text.rstrip()}\n\n{row}", encoding="utf-8")
    return digest


def store(card: Card, data: bytes) -> str:
    """Write the file of a network into WEIGHTS and its row into the catalogue; returns what to say of it."""
    path = WEIGHTS / f"{card.name}.onnx"
    path.write_bytes(data)
    return f"{card.name}: {len(data) / 1e6:.2f} MB, sha256 {register(card.name, card.role, path.name)}"


def main() -> None:
    row = r'\[(.+)\]\nrole = "(.+)"\nfile = "(.+)"\n'
    for name, role, file in re.findall(row, PATH.read_text(encoding="utf-8")):
        register(name, role, file)


if __name__ == "__main__":
    main()
