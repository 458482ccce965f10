"""The command line and the verbs, one photo at a time: what is done, what is refused and in which words, and
what goes to which stream."""

from __future__ import annotations

import errno
import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import HOPPER, Mien, Ran, save
from PIL import Image

import mien as package
from mien import EditRequest, OutputError, RequestError, cli, edit, find, read, verbs, verify, write
from mien.cli import inspect
from mien.cli.inspect import lines_of
from mien.pipeline.find import GREEN, RED
from mien.types import Array, Photo, Step, Verdict


def refused(ran: Ran, *said: str, code: int = 2) -> None:
    """One line, on stderr, which starts with the program's name."""
    assert (ran.code, ran.out) == (code, ""), ran
    assert ran.err.startswith("mien: ") and ran.err.count("\n") == 1, ran.err
    for words in said:
        assert words in ran.err, ran.err


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---- edit


def test_edit_changes_the_face_and_nothing_else_and_says_so_in_the_label(
    mien: Mien, photo: Path, tmp_path: Path
):
    out = tmp_path / "out.png"
    ran = mien("edit", photo, "--smile", 0.8, "-o", out)
    assert (ran.code, ran.out, ran.err) == (0, "", f"wrote {out}\n")
    before, after = read(photo), read(out)
    (face,) = find(before)
    left, top, right, bottom = face.box.astype(int)
    changed = (before.pixels != after.pixels).any(-1)
    assert changed[top:bottom, left:right].mean() > 0.05
    wide = round(0.25 * (right - left))
    changed[max(top - wide, 0) : bottom + wide, left - wide : right + wide] = False
    assert not changed.any()
    verdict = verify(out)
    assert verdict.state == "intact" and verdict.ingredients == ("photo.jpg",)
    assert verdict.history[0].arguments == {"smile": 0.8, "face": "all"}


def test_a_smile_lifts_the_corners_of_the_mouth(photo: Path):
    def lift(shown: Photo) -> float:
        (face,) = find(shown)
        points = face.landmarks
        return float((points[[13, 14], 1].mean() - points[[61, 291], 1].mean()) / (face.box[3] - face.box[1]))

    plain = read(photo)
    assert lift(edit(plain, smile=0.8)) > lift(plain) + 0.005 > lift(edit(plain, smile=-0.8)) + 0.005


def test_each_maker_can_be_asked_for(mien: Mien, photo: Path, tmp_path: Path):
    for maker in ("prototypes", "network"):
        assert mien("edit", photo, "--smile", 0.5, "--by", maker, "-o", tmp_path / f"{maker}.png").code == 0
        assert verify(tmp_path / f"{maker}.png").history[0].arguments["by"] == maker
    assert (read(tmp_path / "prototypes.png").pixels != read(tmp_path / "network.png").pixels).any()


def test_face_says_which(mien: Mien, couple: Array, tmp_path: Path):
    source = save(tmp_path / "couple.png", couple)
    halves = slice(0, 512), slice(512, 900)
    for which, hit in (
        ("all", (True, True)),
        ("largest", (True, False)),
        ("1", (True, False)),
        ("2", (False, True)),
    ):
        out = tmp_path / f"{which}.png"
        assert mien("edit", source, "--smile", 1, "--face", which, "-o", out).code == 0
        changed = read(out).pixels != couple
        assert tuple(bool(changed[:, half].any()) for half in halves) == hit
    refused(
        mien("edit", source, "--smile", 1, "--face", 3, "-o", tmp_path / "3.png"),
        str(source),
        "no face 3: 2 found",
        "left to right",
    )
    refused(mien("edit", source, "--smile", 1, "--face", 0, "-o", tmp_path / "0.png"), "no face 0")
    refused(
        mien("edit", source, "--smile", 1, "--face", "left", "-o", tmp_path / "0.png"),
        "neither all, largest, a number nor a picture",
    )


def test_quality_is_of_the_file(mien: Mien, photo: Path, tmp_path: Path):
    sizes = []
    for quality in (30, 95):
        assert (
            mien("edit", photo, "--smile", 0.5, "--quality", quality, "-o", tmp_path / f"{quality}.jpg").code
            == 0
        )
        sizes.append((tmp_path / f"{quality}.jpg").stat().st_size)
    assert sizes[0] < 0.7 * sizes[1]
    refused(
        mien("edit", photo, "--smile", 0.5, "--quality", 101, "-o", tmp_path / "no.jpg"),
        "quality 101 came",
    )


def test_nothing_is_written_over_without_force(mien: Mien, photo: Path, tmp_path: Path):
    original, other = photo.read_bytes(), tmp_path / "other.jpg"
    other.write_bytes(b"mine")
    (tmp_path / "link.jpg").symlink_to(photo)
    refused(mien("edit", photo, "--smile", 0.5, "-o", photo), "is the input", "--force")
    refused(mien("edit", photo, "--smile", 0.5, "-o", tmp_path / "link.jpg"), "is the input")
    refused(mien("edit", photo, "--smile", 0.5, "-o", other), "exists", "--force")
    assert photo.read_bytes() == original and other.read_bytes() == b"mine"
    assert mien("edit", photo, "--smile", 0.5, "-o", photo, "--force").code == 0
    assert photo.read_bytes() != original
    verdict = verify(photo)
    assert verdict.state == "intact" and verdict.ingredients == ("photo.jpg",)
    assert files(tmp_path) == ["link.jpg", "other.jpg", "photo.jpg"]


def test_a_folder_as_output_takes_the_name_of_the_photo(mien: Mien, photo: Path, tmp_path: Path):
    (tmp_path / "out").mkdir()
    assert mien("edit", photo, "--smile", 0.5, "-o", tmp_path / "out").code == 0
    assert files(tmp_path / "out") == ["photo.jpg"]
    for words, made in (
        (("edit", photo, "--warmth", 0.5), "photo.jpg"),
        (("frontalise", photo, "--size", 128), "photo.png"),
        (("animate", photo, "--motion", "nod", "--consent", "public domain", "--size", 256), "photo.mp4"),
    ):
        assert mien(*words, "-o", f"{tmp_path}/{words[0]}.v2/").code == 0
        assert files(tmp_path / f"{words[0]}.v2") == [made], "a slash at its end always means a folder"
    refused(mien("live", photo, "--warmth", 0.5, "-o", f"{tmp_path}/clip.mp4/"), "names a folder")
    refused(mien("edit", photo, "--warmth", 0.5, "-o", ""), "empty name")
    refused(mien("find", ""), "empty name")
    save(tmp_path / "blank.png", np.full((64, 64, 3), 128, np.uint8))
    blank = tmp_path / "blank.png"
    for words, code in (
        (("edit", blank, "--warmth", 0.5), 2),
        (("frontalise", blank), 2),
        (("sketch", blank), 3),
    ):
        refused(mien(*words, "-o", f"{tmp_path}/above/none/"), code=code)
        assert not (tmp_path / "above").exists(), "nothing came into it"


@pytest.mark.parametrize("name", ["with space.JPG", "ünï 顔.jpeg", "-dash.Png", "new\nline.jpg"])
def test_any_name_will_do(
    mien: Mien, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(photo.read_bytes())
    (tmp_path / "out").mkdir()
    ran = mien("edit", "--smile", 0.5, "-o", "out", "--", name)
    assert ran.code == 0 and ran.err.count("\n") == 1, ran
    assert verify(tmp_path / "out" / name).state == "intact"
    ran = mien("find", "--json", "--", name)
    assert ran.code == 0 and json.loads(ran.out)["file"] == name


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_a_name_that_is_no_text(mien: Mien, photo: Path, tmp_path: Path):
    name = os.fsdecode(b"bytes\xff.jpg")
    photo.rename(tmp_path / name)
    ran = mien("find", tmp_path / name)
    assert ran.code == 0 and "bytes\\udcff.jpg: 512 x 600" in ran.err
    assert json.loads(mien("find", "--json", tmp_path / name).out)["file"].endswith(name)
    assert mien("align", tmp_path / name, "-o", tmp_path / "faces").code == 0


def test_a_name_that_begins_with_a_hyphen(
    mien: Mien, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    photo.rename("-dash.jpg")
    refused(mien("find", "-dash.jpg"), "-dash.jpg is read as an option", "write ./-dash.jpg")
    assert mien("find", "./-dash.jpg").code == 0


# ---- what is refused


def test_errors_that_name_the_argument(mien: Mien, photo: Path, tmp_path: Path):
    out = tmp_path / "out.jpg"
    refused(mien("edit", photo, "--smlie", 0.5, "-o", out), "--smlie", "did you mean --smile?")
    refused(mien("edit", photo, "--smile", "0,5", "-o", "x.jpg"), "'0,5' is not a valid float: write 0.5")
    refused(mien("edti", photo), "no verb is called 'edti': did you mean edit?")
    refused(mien("xyzzy"), "no verb is called", "edit, swap")
    refused(mien("--frobnicate"), "--frobnicate")
    refused(mien("edit", photo, "-o", out), "nothing to do", "--smile, --age, --sex")
    refused(mien("edit", photo, "--smile", 1), "-o")
    refused(mien("edit", photo, "--smile", "much", "-o", out), "'much'", "see mien edit --help")
    for value in ("1.5", "-2", "nan", "inf", "-inf"):
        refused(
            mien("edit", photo, "--smile", value, "-o", out), f"smile {value} is out of range: from -1 to 1"
        )
    refused(mien("edit", photo, "--age", 51, "-o", out), "age 51 is out of range: from -30 to 50 years")
    refused(mien("edit", photo, "--smile", 1, "--by", "magic", "-o", out), "'prototypes'", "'network'")
    refused(mien("edit", photo, "--smile", 1, "--max-pixels", 0, "-o", out), "--max-pixels")
    assert files(tmp_path) == ["photo.jpg"]


def test_an_option_comes_once(mien: Mien, photo: Path, tmp_path: Path):
    out = tmp_path / "out.jpg"
    refused(
        mien("edit", photo, "--smile", 0.2, "-o", out, "--smile", 0.8), "--smile came 2 times: give it once"
    )
    refused(mien("consent", "add", "Ann", "--note", "a", "--note", "b"), "--note came 2 times")
    assert mien("edit", photo, "--warmth", 0.5, "--force", "--force", "-o", out).code == 0


def test_errors_of_the_output_come_before_the_work(mien: Mien, tmp_path: Path):
    broken = tmp_path / "broken.jpg"  # would fail too, but later
    broken.write_bytes(HOPPER.read_bytes()[:3000])
    for out, said in (
        ("no/out.jpg", "there is no folder"),
        ("out.gif", "'.gif' names no format"),
    ):
        refused(mien("edit", broken, "--smile", 1, "-o", tmp_path / out), said)
    refused(mien("find", broken, "--draw", tmp_path / "out.gif"), "names no format")
    assert files(tmp_path) == ["broken.jpg"]


def test_errors_of_the_input(mien: Mien, photo: Path, tmp_path: Path):
    def run(source: Path, *words: object):
        return mien("edit", source, "--smile", 1, "-o", tmp_path / "out.png", *words)

    text, empty, cut, blank = (tmp_path / name for name in ("notes.jpg", "empty.png", "cut.jpg", "blank.png"))
    text.write_text("dear diary\n")
    empty.touch()
    cut.write_bytes(photo.read_bytes()[:30000])
    save(blank, np.full((300, 400, 3), 127, np.uint8))
    refused(run(tmp_path / "none.jpg"), "none.jpg: no such file")
    refused(run(text), "is a text file", "JPEG, PNG, WebP, TIFF, AVIF, BMP or HEIC")
    refused(run(empty), "is empty")
    refused(run(cut), "cut.jpg is truncated", "of 600", "nothing was written")
    refused(run(photo, "--max-pixels", 1000), "512 x 600 pixels", "--max-pixels 307200")
    refused(run(blank), "blank.png: no face found in 400 x 300 pixels: try")
    assert not (tmp_path / "out.png").exists()


def test_a_full_disk(mien: Mien, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    refused(mien("edit", photo, "--smile", 1, "-o", tmp_path / "out.jpg"), "make room")
    assert files(tmp_path) == ["photo.jpg"]


def test_a_bug_is_not_dressed_up(mien: Mien, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(verbs, "doctor", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        mien("doctor")


# ---- find, align


def test_find_tells_machines_on_stdout_and_people_on_stderr(mien: Mien, couple: Array, tmp_path: Path):
    source = save(tmp_path / "couple.png", couple)
    ran = mien("find", source)
    assert (ran.code, ran.out) == (0, "")
    assert ran.err.startswith(f"{source}: 900 x 600 pixels, 2 faces\n  1: ") and ran.err.count("\n") == 3
    ran = mien("find", source, "--json")
    told = json.loads(ran.out)
    assert (ran.code, ran.err, told["file"], told["width"], told["height"]) == (0, "", str(source), 900, 600)
    for number, (one, face) in enumerate(zip(told["faces"], find(Photo(couple)), strict=True), 1):
        assert one["face"] == number and np.allclose(one["box"], face.box, atol=0.06) and one["score"] > 0.8
        assert np.allclose(one["landmarks"], face.landmarks, atol=0.006)
        assert [one[angle] for angle in inspect.ANGLES] == [
            pytest.approx(getattr(face, angle), abs=0.06) for angle in inspect.ANGLES
        ]
    assert told["faces"][0]["box"][0] < told["faces"][1]["box"][0], "left to right"


def test_find_speaks_of_the_photo_after_its_turn(mien: Mien, portrait: Array, tmp_path: Path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn clockwise to see it
    Image.fromarray(np.ascontiguousarray(np.rot90(portrait))).save(tmp_path / "turned.png", exif=exif)
    told = json.loads(mien("find", tmp_path / "turned.png", "--json").out)
    assert (told["width"], told["height"]) == (512, 600) and len(told["faces"]) == 1
    assert np.allclose(told["faces"][0]["box"], find(Photo(portrait))[0].box, atol=0.1)


def test_find_goes_on_after_a_photo_that_fails(mien: Mien, photo: Path, tmp_path: Path):
    blank = save(tmp_path / "blank.png", np.full((64, 64, 3), 127, np.uint8))
    (tmp_path / "notes.jpg").write_text("no picture")
    ran = mien("find", "--json", tmp_path)
    told = [json.loads(line) for line in ran.out.splitlines()]
    assert ran.code == 1 and [(Path(one["file"]).name, len(one["faces"])) for one in told] == [
        ("blank.png", 0),
        ("photo.jpg", 1),
    ]
    assert ran.err.startswith("mien: ") and "notes.jpg is a text file" in ran.err and ran.err.count("\n") == 1
    ran = mien("find", blank)
    assert (ran.code, ran.err) == (0, f"{blank}: 64 x 64 pixels, no faces\n")
    refused(mien("find", tmp_path / "none.jpg"), "no such file")
    refused(mien("find", tmp_path, "--draw", tmp_path / "d.png"), "--draw and --masks take one photo, 3 came")


def test_find_draws(mien: Mien, photo: Path, tmp_path: Path):
    out = tmp_path / "drawn.png"
    assert mien("find", photo, "--draw", out).code == 0
    before, drawn = read(photo), read(out)
    (face,) = find(before)
    left, top = face.box[:2].round().astype(int)
    assert tuple(drawn.pixels[top + 20, left]) == GREEN
    for point, colour in ((face.landmarks[4], GREEN), (face.landmarks[468], RED)):
        x, y = point.round().astype(int)
        assert np.abs(drawn.pixels[y, x].astype(int) - colour).max() < 100
    assert verify(out).state == "unlabelled"
    refused(mien("find", photo, "--draw", out), "exists", "--force")


def test_align_writes_the_folder_that_train_reads(mien: Mien, photo: Path, couple: Array, tmp_path: Path):
    save(tmp_path / "couple.png", couple)
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "photo.jpg").write_bytes(photo.read_bytes())
    (tmp_path / "notes.jpg").write_text("no picture")
    out = tmp_path / "faces"
    ran = mien("align", tmp_path, tmp_path / "sub", "-o", out, "--size", 128)
    assert (
        ran.code == 1
        and "notes.jpg is a text file" in ran.err
        and ran.err.endswith(f"4 faces in {out}, 1 photo failed\n")
    )
    assert files(out) == ["faces.csv", "images", "landmarks478.npz"]
    names = ["couple-1.png", "couple-2.png", "photo-1.png", "photo-1-2.png"]
    assert files(out / "images") == sorted(names)
    table = (out / "faces.csv").read_text(encoding="utf-8").splitlines()
    assert [row.split(",")[0] for row in table] == ["file", *names] and table[0].endswith(",hat")
    with np.load(out / "landmarks478.npz") as told:
        assert list(told["files"]) == names and told["points"].shape == (4, 478, 2)
        for name, points in zip(names, told["points"], strict=True):
            crop = cv2.imread(str(out / "images" / name))
            assert crop is not None and crop.shape == (128, 128, 3)
            eyes = points[[468, 473]].mean(0)
            assert np.hypot(*(eyes - [64, 60])) < 13, "the eyes are where FFHQ has them"
    refused(mien("align", photo, "-o", out), "not an empty folder")


def test_align_leaves_nothing_half_written(
    mien: Mien, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    out, blank = tmp_path / "out", save(tmp_path / "blank.png", np.zeros((64, 64, 3), np.uint8))
    ran = mien("align", blank, "-o", out)
    assert ran.code == 2 and "no face was found: nothing was written" in ran.err

    def full(*_: object, **__: object) -> None:
        raise OutputError("no room")

    monkeypatch.setattr("mien.pipeline.find.dataset.write_tables", full)
    assert mien("align", photo, "-o", out).code == 2
    assert sorted(one.name for one in tmp_path.iterdir()) == ["blank.png", "photo.jpg"]


def test_align_refuses_before_it_makes_a_folder(mien: Mien, photo: Path, tmp_path: Path):
    refused(mien("align", photo, "-o", tmp_path / "faces", "--size", 5), "size 5 is out of range: 16 to 4096")
    refused(mien("align", photo, "-o", tmp_path / "faces", "--template", "round"), "'ffhq', 'head', 'face'")
    refused(mien("align", photo, "-o", photo), "not an empty folder")
    assert files(tmp_path) == ["photo.jpg"]


# ---- verify, models, doctor, help


def test_verify_has_three_answers(mien: Mien, photo: Path, tmp_path: Path):
    out = tmp_path / "out.jpg"
    write(edit(read(photo), smile=0.5), out)
    ran = mien("verify", out)
    assert (
        (ran.code, ran.out) == (0, "")
        and ran.err.startswith("intact")
        and "edit smile=0.5 face=all by prototypes" in ran.err
    )
    ran = mien("verify", out, "--json")
    told = json.loads(ran.out)
    assert (ran.code, ran.err, told["state"], told["ingredients"]) == (0, "", "intact", ["photo.jpg"])
    assert told["history"][0]["arguments"] == {"smile": 0.5, "face": "all"}
    data = bytearray(out.read_bytes())
    data[-100] ^= 1
    out.write_bytes(data)
    ran = mien("verify", out)
    assert ran.code == 1 and ran.err.startswith("broken") and "because" in ran.err
    ran = mien("verify", photo)
    assert ran.code == 4 and ran.err.startswith("unlabelled\nno mark was found")
    refused(mien("verify", tmp_path / "none.jpg"), "no such file")
    refused(mien("verify", tmp_path), "is a folder")


def test_a_label_cannot_play_with_the_terminal(capfd: pytest.CaptureFixture[str]):
    step = Step("edit", {"smile": 1.0}, version="0.1.0", time="2026-01-01T00:00:00Z")
    for line in lines_of(Verdict("intact", signer="\x1b[31mred\nmien: fine", history=(step,))):
        cli.say(line)
    said = capfd.readouterr().err
    assert "\x1b" not in said and said.count("\n") == 3 and "\\x1b[31mred\\nmien: fine" in said
    assert said.endswith("edit smile=1.0; mien 0.1.0\n")


def test_models_and_doctor(mien: Mien):
    ran = mien("models", "--json")
    rows = json.loads(ran.out)
    assert ran.code == 0 and {row["name"] for row in rows} >= {"blazeface", "facemesh", "iris", "prototypes"}
    assert all(
        row["state"] == "ok" and row["licence"] and row["bytes"] and len(row["sha256"]) == 64 for row in rows
    )
    ran = mien("models")
    assert (ran.code, ran.out) == (0, "") and ran.err.count("\n") == len(rows)
    report = json.loads(mien("doctor", "--json").out)
    assert report["mien"] == package.__version__ and report["problems"] == [] and report["onnxruntime"]
    ran = mien("doctor")
    assert (ran.code, ran.out) == (0, "") and "problems     none" in ran.err


def test_help(mien: Mien):
    alone, asked = mien(), mien("--help")
    assert alone == asked and alone.code == 0 and alone.err == ""
    for verb in ("edit", "find", "align", "verify", "models", "doctor", "train", "export"):
        assert f"  {verb}" in alone.out and mien(verb, "-h").out.startswith(f"Usage: mien {verb}")
    assert mien("--version").out == f"mien {package.__version__}\n"


def python(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=False)


def test_as_a_process():
    ran = python("-m", "mien", "--version")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"mien {package.__version__}\n", "")
    ran = python("-m", "mien", "verify", "none.jpg")
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", "mien: none.jpg: no such file\n")


def test_ctrl_c_while_something_loads_is_one_line(tmp_path: Path):
    """As while a network's library is loaded, which makes anything at all of a KeyboardInterrupt."""
    kill = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n"
    (tmp_path / "slow.py").write_text(
        f"try:\n    {kill.splitlines()[0]}\n    os.kill(os.getpid(), signal.SIGINT)\n"
        "except KeyboardInterrupt:\n    raise ImportError('half loaded')\n"
    )
    start = "from mien import signals\nsignals.end_while_importing()\n"
    for code, ends, said in (
        (f"{start}import slow", 130, "mien: stopped\n"),
        (f"{start}{kill}", -2, "KeyboardInterrupt\n"),
    ):
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
        assert ran.returncode == ends and ran.stderr.endswith(said), ran


def test_what_is_not_needed_is_not_loaded():
    heavy = (
        "[name for name in ('torch', 'onnxruntime', 'cv2', 'numpy', 'PIL', 'c2pa') if name in sys.modules]"
    )
    assert python("-c", f"import sys, mien; print({heavy})").stdout == "[]\n"
    shown = f"import sys, mien.cli\nsys.argv[1:] = ['--help']\nmien.cli.main()\nprint({heavy})"
    assert python("-c", shown).stdout.splitlines()[-1] in (
        "['cv2', 'numpy', 'PIL']",
        "['cv2', 'numpy']",
        "[]",
    )


def test_help_is_quick():
    """Against what NumPy takes to be imported, a fifth of it or so: machines are of many kinds, and busy."""

    def seconds(*words: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        python(*words)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    helps, numpys = (
        min(seconds(*words) for _ in range(3)) for words in (("-m", "mien", "--help"), ("-c", "import numpy"))
    )
    assert helps < 8 * numpys, (helps, numpys)


# ---- the verbs


def test_three_lines(photo: Path, tmp_path: Path):
    write(edit(read(photo), smile=0.8, age=10), tmp_path / "out.jpg")
    assert verify(tmp_path / "out.jpg").history[0].arguments == {"smile": 0.8, "age": 10, "face": "all"}


def test_names_that_there_are_not(photo: Path):
    shown = read(photo)
    with pytest.raises(RequestError, match="no edit is called 'smlie': did you mean smile"):
        edit(shown, smlie=0.5)  # pyright: ignore[reportCallIssue]
    with pytest.raises(RequestError, match="no edit is called 'zzz': there are smile, age, sex"):
        edit(shown, zzz=1)  # pyright: ignore[reportCallIssue]
    wrong: Any = [1]
    with pytest.raises(RequestError, match=r"strengths are \[1\]: a mapping"):
        EditRequest(wrong).checked()
    with pytest.raises(RequestError, match="no maker is called 'magic': there are prototypes, network"):
        edit(shown, smile=1, method="magic")
    with pytest.raises(AttributeError, match="no attribute 'edti'"):
        package.edti  # noqa: B018


def test_nothing_asked_is_nothing_done(photo: Path):
    shown = read(photo)
    assert edit(shown, smile=0) is shown


def test_faces_are_numbered_from_the_left(couple: Array):
    faces = find(Photo(couple))
    assert [face.box[0] < 512 for face in faces] == [True, False]
    flipped = find(Photo(np.ascontiguousarray(couple[:, ::-1])))
    widths = [[float(face.box[2] - face.box[0]) for face in each] for each in (faces, flipped)]
    assert widths[0][0] > widths[0][1] and widths[1][0] < widths[1][1]
    both = edit(Photo(couple), smile=1, face=2).pixels != couple
    assert not both[:, :512].any() and both[:, 512:].any()


def test_depth_and_opacity_come_through(portrait: Array, tmp_path: Path):
    fine = np.random.default_rng(0).integers(0, 257, portrait.shape, dtype=np.uint16)
    deep = np.minimum(portrait.astype(np.uint32) * 257 + fine, 65535).astype(np.uint16)
    opacity = np.full(portrait.shape[:2], 65535, np.uint16)
    opacity[:50] = 30000
    write(Photo(deep, opacity), tmp_path / "deep.tif")
    write(edit(read(tmp_path / "deep.tif"), smile=0.8), tmp_path / "out.png")
    after = read(tmp_path / "out.png")
    assert after.pixels.dtype == np.uint16 and after.opacity is not None and (after.opacity == opacity).all()
    changed = (after.pixels != deep).any(-1)
    assert changed.any() and not changed[:60].any()
    assert len(np.unique(after.pixels[changed] % 257)) > 200, "what changed is 16 bits deep too"
