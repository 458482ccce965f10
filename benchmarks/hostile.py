"""What hostile files cost, and what a killed run leaves behind.

    python benchmarks/hostile.py [--rounds 8] [--json benchmarks/results/hostile.json]

Small files that unfold to much are read, and a network that asks for 16 GB is imported, each by a new process whose
peak memory is taken. Runs over a folder are killed with SIGKILL at different times and gone on with: their workers are
to end, their results to be those of a run that was let be. Commands are interrupted while they load. Linux only, and
for the network onnx is wanted. The process ends with 1 where a figure is beyond its limit.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from edit import HOPPER
from figures import save

import mien
from mien import read

SIDE = 14_100  # pixels: 199 megapixels
MOST = {"megabytes": 1500, "workers left": 0, "results unlike": 0, "files left": 0, "tracebacks": 0}
LONGEST = 10.0  # seconds that a worker may outlive its run
MIEN = sys.executable, "-m", "mien"


def unfolding(path: Path, depth: int, colours: int) -> None:
    """Write a PNG of SIDE x SIDE pixels, all zero, a row at a time. colours: PNG's number for the channels."""
    row = bytes(1 + SIDE * {2: 3, 6: 4}[colours] * depth // 8)
    packer = zlib.compressobj(9)
    packed = b"".join([*(packer.compress(row) for _ in range(SIDE)), packer.flush()])
    header = struct.pack(">IIBBBBB", SIDE, SIDE, depth, colours, 0, 0, 0)
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        for kind, data in ((b"IHDR", header), (b"IDAT", packed), (b"IEND", b"")):
            file.write(
                struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            )


def greedy(path: Path) -> None:
    """Write a network of some hundred bytes that makes a picture of 4 billion numbers on its way."""
    from onnx import TensorProto, helper, save_model

    from mien.models.card import KEY, Card

    pixels = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, 3, "h", "w"])
    picture = helper.make_tensor_value_info("picture", TensorProto.FLOAT, [1, 3, "h", "w"])
    size = helper.make_tensor("size", TensorProto.INT64, [3], [20_000, 20_000, 10])
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["much"]),
        helper.make_node("ReduceMax", ["much"], ["most"], keepdims=0),
        helper.make_node("Add", ["pixels", "most"], ["picture"]),
    ]
    graph = helper.make_graph(nodes, "greedy", [pixels], [picture], [size])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, {KEY: Card("greedy", "translator", "CC0-1.0").to_json()})
    save_model(model, path)


def peak(*words: str | Path) -> tuple[float, float, str]:
    """Seconds and peak megabytes of a command and its children, and the last line of what it said."""
    start = time.perf_counter()
    before = "import resource as r, subprocess as s, sys; p = s.run(sys.argv[1:], capture_output=True, text=True); "
    after = "print(r.getrusage(r.RUSAGE_CHILDREN).ru_maxrss, *p.stderr.strip().splitlines()[-1:])"
    done = subprocess.run(
        [sys.executable, "-c", before + after, *MIEN, *map(str, words)], capture_output=True, text=True
    )
    kilobytes, _, said = done.stdout.strip().partition(" ")
    return time.perf_counter() - start, int(kilobytes) / 1024, said


def files(folder: Path) -> Iterator[dict[str, Any]]:
    """What each hostile file costs."""
    for what, name, depth, colours in (
        ("PNG of 199 megapixels, 16 bits with opacity", "deep.png", 16, 6),
        ("PNG of 199 megapixels, 8 bits", "wide.png", 8, 2),
    ):
        unfolding(folder / name, depth, colours)
        seconds, megabytes, said = peak("find", folder / name)
        size = round((folder / name).stat().st_size / 1e6, 1)
        yield row(f"`mien find`, {what}, {size} MB", said, seconds=seconds, megabytes=megabytes)
    greedy(folder / "greedy.onnx")
    seconds, megabytes, said = peak("models", "import", folder / "greedy.onnx", "--name", "greedy")
    yield row(
        "`mien models import`, a network that asks for 16 GB", said, seconds=seconds, megabytes=megabytes
    )


def kills(folder: Path, rounds: int) -> dict[str, Any]:
    """What runs leave that were killed, each later than the one before."""
    photos, plain = folder / "photos", folder / "plain"
    photos.mkdir()
    plain.mkdir()
    for number in range(4):
        shutil.copy(HOPPER, photos / f"{number}.jpg")
    asked = [*MIEN, "edit", str(photos), "--warmth", "0.5", "--workers", "1", "-o"]
    start = time.perf_counter()
    subprocess.run([*asked, str(plain)], check=True, capture_output=True)
    length = time.perf_counter() - start
    counts = {"workers left": 0, "results unlike": 0, "files left": 0}
    for number in range(rounds):
        out = folder / f"out{number}"
        out.mkdir()
        run = subprocess.Popen([*asked, str(out)], stderr=subprocess.DEVNULL, start_new_session=True)
        time.sleep(length * (number + 1) / (rounds + 1))
        run.kill()
        run.wait()
        counts["workers left"] += alive(run.pid)
        subprocess.run([*asked, str(out), "--resume"], check=True, capture_output=True)
        made = {path.name for path in out.iterdir()}
        counts["files left"] += len(made - {path.name for path in plain.iterdir()} - drafts(made))
        counts["results unlike"] += sum(
            not (read(path).pixels == read(out / path.name).pixels).all() for path in plain.iterdir()
        )
    return row(f"`mien edit` on a folder, killed {rounds} times", "", **counts)


def drafts(names: set[str]) -> set[str]:
    """Those that a later run takes away, once they are a day old."""
    return {name for name in names if name.startswith(".mien-") and name.endswith(".part")}


def alive(session: int) -> int:
    """How many processes of a session are still there after LONGEST seconds."""
    end = time.monotonic() + LONGEST
    while (found := _members(session)) and time.monotonic() < end:
        time.sleep(0.2)
    return len(found)


def _members(session: int) -> list[str]:
    """Those that run; Linux' /proc says of each its name in brackets, then its state, parent, group and session."""
    found = list[str]()
    for place in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, own = (place / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:  # it has ended meanwhile
            continue
        found += [place.name] * (int(own) == session and state != "Z")
    return found


def interrupts(rounds: int) -> dict[str, Any]:
    """How many commands that are interrupted in their first second show a traceback of mien's; before a line of it is
    run Python shows one of its own."""
    shown = 0
    for number in range(4 * rounds):
        run = subprocess.Popen([*MIEN, "find", str(HOPPER)], stderr=subprocess.PIPE, text=True)
        time.sleep(0.1 + 1.1 * number / (4 * rounds))
        run.send_signal(signal.SIGINT)
        said = run.communicate()[1]
        shown += "Traceback" in said and str(Path(mien.__file__).parent) in said
    return row(f"`mien find`, interrupted {4 * rounds} times while it loads", "", tracebacks=shown)


def row(what: str, said: str, **figures: float) -> dict[str, Any]:
    told = {name: round(value, 1) if isinstance(value, float) else value for name, value in figures.items()}
    found = {"what": what, **told} | ({"said": said.rpartition("/")[2]} if said else {})
    print(found, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["MIEN_HOME"] = str(Path(name) / "home")
        rows = [*files(Path(name)), kills(Path(name), given.rounds), interrupts(given.rounds)]
    save(given.json, "python benchmarks/hostile.py", rows)
    if beyond := [one for one in rows if any(one.get(figure, 0) > most for figure, most in MOST.items())]:
        sys.exit(f"beyond the limits {MOST}: {beyond}")


if __name__ == "__main__":
    main()
