"""A network that comes from elsewhere is run once before it is believed, in a process of its own, with a limit
to its memory and time: `python -m mien.models.trial FILE`."""

from __future__ import annotations

import contextlib
import math
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .. import models as roles
from ..errors import MienError, ModelError
from ..types import SILENT, Array, Progress
from .session import Net

SECONDS = 300
PATIENCE = 10  # seconds after which people are told what they wait for
MEMORY = 8 << 30  # bytes, and besides as much as the file four times
UNFIT = "Failed to allocate memory"  # what ONNX Runtime says where there is not enough
SIDE = 64  # pixels of the pictures for networks that take any size

Shape = tuple[int | str, ...]
Shapes = Mapping[str, Shape]
# What each role is told and what it gives. S is the card's size, K the number of its conditions; other letters
# are any number, the same wherever they stand.
SIGNATURES: dict[str, tuple[Shapes, Shapes]] = {
    "finder": ({"pixels": (1, 3, 64, 64)}, {"boxes": (1, 256, 16), "logits": (1, 256)}),
    "mesh": ({"pixels": (1, 3, "S", "S")}, {"points": (1, 468, 3), "logits": (1,)}),
    "iris": ({"pixels": (1, 3, "S", "S")}, {"points": (1, 5, 3)}),
    "retoucher": (
        {"pixels": (1, 3, "S", "S"), "condition": (1, "K")},
        {"flow": (1, 2, "S", "S"), "colour": (1, 3, "S", "S"), "alpha": (1, 1, "S", "S")},
    ),
    "mapper": ({"z": (1, "Z")}, {"w": (1, "W")}),
    "generator": ({"ws": (1, "L", "W")}, {"pixels": (1, 3, "S", "S")}),
    "encoder": ({"pixels": (1, 3, "S", "S")}, {"ws": (1, "L", "W")}),
    "fitter": (
        {"points": (1, 468, 2), "hair": (1, 1, "h", "h"), "traits": (1, 3), "w": (1, "W")},
        {"ws": (1, "L", "W")},
    ),
    "sketch_reader": (
        {"pixels": (1, 3, "S", "S")},
        {"points": (1, 468, 2), "hair": (1, 1, "h", "h"), "traits": (1, 4)},
    ),
    "embedder": ({"pixels": (1, 3, "S", "S")}, {"vector": (1, "E")}),
    "blendshapes": ({"points": (1, 146, 2)}, {"coefficients": (1, 52)}),
    "parser": ({"pixels": (1, 3, "S", "S")}, {"regions": (1, 12, "h", "w")}),
    "translator": ({"pixels": (1, "C", "H", "V")}, {"picture": (1, 3, "H", "V")}),
    "swapper": (
        {"pixels": (1, 3, "S", "S")},
        {"face": (1, 3, "T", "T"), "alpha": (1, 1, "T", "T")},
    ),
    "animator": ({"wanted": (1, 3, "S", "S")}, {"picture": (1, 3, "S", "S")}),
    "style_encoder": ({"picture": (1, 3, "S", "S")}, {"vector": (1, "E")}),
}
# what some networks of a role are told besides; a style is a picture, or numbers
OPTIONAL: dict[str, dict[str, tuple[Shape, ...]]] = {
    "mapper": {"label": ((1, "C"),), "condition": ((1, "K"),)},
    "encoder": {"condition": ((1, "K"),)},
    "translator": {"condition": ((1, "K"),), "style": ((1, 3, "h", "w"), (1, "E"))},
    "animator": {"pixels": ((1, 3, "S", "S"),), "lines": ((1, 3, "S", "S"),)},
}


def try_out(file: Path, progress: Progress = SILENT) -> str:
    """The role of the network in `file`, after it was run once; a `ModelError` where it does not do what its
    card says."""
    command = [sys.executable, "-m", "mien.models.trial", str(file)]
    still = (
        f"{file.name} is still being run for the first time, for {SECONDS} seconds at most: Ctrl-C ends it"
    )
    waiting = threading.Timer(PATIENCE, progress.message, [still])
    waiting.start()
    ours, held = os.pipe()  # whose other end is let go with this process, however that ends
    try:
        ran = subprocess.run(command, stdin=ours, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise ModelError(
            f"{file.name} had not run once after {SECONDS} seconds: nothing was imported"
        ) from error
    finally:
        waiting.cancel()
        os.close(ours)
        os.close(held)
    said = (ran.stderr if ran.returncode else ran.stdout).decode(errors="replace").strip()
    if ran.returncode == 0:
        return said
    if ran.returncode == ModelError.exit_code:
        raise ModelError(said)
    raise ModelError(f"{file.name} ended the process that tried to run it: nothing was imported")


def run_once(net: Net) -> None:
    """Run a network of any role on noise; a `ModelError` where what it takes or gives is not its role's."""
    name, card = net.name, net.card
    if card.role not in SIGNATURES:
        raise ModelError(
            f"{name} has the role {card.role!r}, which no verb runs: there are {', '.join(SIGNATURES)}"
        )
    given, wanted = SIGNATURES[card.role]
    sizes = {"K": len(card.conditions)} | ({"S": card.size} if card.size else {})
    feeds = dict[str, Array]()
    chance, (low, high) = np.random.default_rng(0), card.value_range
    optional = OPTIONAL.get(card.role, {})
    if missing := [one for one in given if one not in net.inputs]:
        raise ModelError(f"{name} has no input {missing[0]!r}, which a {card.role} has")
    for one, declared in net.inputs.items():
        shapes = (given[one],) if one in given else optional.get(one, ())
        shape = next((shape for shape in shapes if len(shape) == len(declared)), None)
        if shape is None:
            raise ModelError(f"{name} takes an input {one!r} {declared}, which a {card.role} is not given")
        sides = [_side(net, one, length, size, sizes) for length, size in zip(shape, declared, strict=True)]
        feeds[one] = chance.uniform(low, high, sides).astype(np.float32)
    if card.conditions and "condition" not in net.inputs:
        raise ModelError(f"{name} has conditions in its card and takes none")
    roles.open(net, card.role)
    found = net.run(**feeds)
    for one, shape in wanted.items():
        if one not in found:
            raise ModelError(f"{name} gives no {one!r}, which a {card.role} gives")
        _check_output(name, one, found[one], shape, sizes)


def _side(net: Net, name: str, wanted: int | str, declared: object, sizes: dict[str, int]) -> int:
    """How long a side of an input is made: as the role says, as the network says, or as it comes."""
    length = sizes.get(wanted) if isinstance(wanted, str) else wanted
    if not isinstance(declared, int):
        multiple = net.card.multiple or 1
        free = math.lcm(32, multiple) if wanted in ("H", "V") else SIDE
        declared = length or max(free, SIDE)
    if length not in (None, declared):
        raise ModelError(
            f"{net.name} takes {name!r} {net.inputs[name]}: a side of {length} was wanted, not {declared}"
        )
    if isinstance(wanted, str):
        sizes[wanted] = declared
    return declared


def _check_output(name: str, one: str, found: Array, shape: Shape, sizes: dict[str, int]) -> None:
    lengths = getattr(found, "shape", None)
    fits = lengths is not None and len(lengths) == len(shape)
    for wanted, length in zip(shape, lengths or (), strict=False):
        fits = fits and length == (sizes.setdefault(wanted, length) if isinstance(wanted, str) else wanted)
    if not fits:
        said = ", ".join(str(sizes.get(str(side), side)) for side in shape)
        raise ModelError(f"{name} gives {one!r} {list(lengths or ())}: [{said}] was wanted")
    if found.dtype != np.float32 or not np.isfinite(found).all():
        raise ModelError(f"{name} gives {one!r} of {found.dtype}: finite float32 was wanted")


def _limit(file: Path) -> None:
    """Keep this process from taking all memory, where the system can."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        most = MEMORY + 4 * file.stat().st_size
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _end_with_parent() -> None:
    """End once nobody waits: then stdin is at its end."""
    os.read(0, 1)
    os._exit(1)


def main() -> None:
    """Tell the role of the network in a file, or in one line on stderr what is wrong with it."""
    file = Path(sys.argv[1])
    threading.Thread(target=_end_with_parent, daemon=True).start()
    greedy = f"{file.name} wants more memory than {MEMORY >> 30} GB to run once"
    _limit(file)
    try:
        net = Net(file.name, file, "", threads=1)
        run_once(net)
    except MienError as error:
        sys.exit(_refused(greedy if UNFIT in str(error) else str(error)))
    except MemoryError:
        sys.exit(_refused(greedy))
    except Exception as error:  # of a network that is none of its role's, anything may be missing
        sys.exit(_refused(f"{file.name} does not do what its card says ({type(error).__name__}: {error})"))
    print(net.card.role)


def _refused(text: str) -> int:
    print(" ".join(text.split()), file=sys.stderr)
    return ModelError.exit_code


if __name__ == "__main__":
    main()
