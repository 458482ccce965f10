"""Many photos: which are meant, where they go, that one failure is one failure, that --resume goes on, and
that Ctrl-C is clean."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from conftest import HOPPER, Mien, Ran, save

from mien import read, verify
from mien.edits.request import EditRequest
from mien.errors import InputError, MienError, OutputError
from mien.pipeline import batch
from mien.pipeline.runner import Processes


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with a.jpg and b.JPG, and beside them what nobody means."""
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for name in ("a.jpg", "b.JPG", ".hidden.jpg", "below/c.jpg"):
        shutil.copy(HOPPER, folder / name)
    (folder / "notes.txt").write_text("no picture")
    (folder / "lost.jpg").symlink_to("nowhere")
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def states(ran: Ran) -> dict[str, str]:
    """What `--json` told: name of the result -> state."""
    return {Path(one["output"]).name: one["state"] for one in map(json.loads, ran.out.splitlines())}


def summary(ran: Ran) -> str:
    return ran.err.splitlines()[-1]


# ---- which files, and where to


def test_a_folder_means_the_pictures_in_it(photos: Path):
    (photos / "linked.png").symlink_to(photos / "a.jpg")
    assert [path.name for path in batch.gather([str(photos)])] == ["a.jpg", "b.JPG", "linked.png"]


def test_folders_below_are_taken_or_named(mien: Mien, photos: Path, out: Path):
    asked = ("edit", photos, "--warmth", 0.3, "-o", out, "--workers", 1)
    ran = mien(*asked)
    assert (
        ran.code == 0
        and f"passed over 1 folder below, as {photos / 'below'}: --recursive takes them" in ran.err
    )
    assert names(out) == ["a.jpg", "b.JPG"]
    ran = mien(*asked, "--recursive", "--resume")
    assert ran.code == 0 and summary(ran) == "1 done, 2 skipped, 0 failed"
    assert names(out) == ["a.jpg", "b.JPG", "below"] and names(out / "below") == ["c.jpg"]
    inside = photos / "done"
    inside.mkdir()
    for skipped, named in ((0, photos), (3, photos / ".." / photos.name)):
        ran = mien("edit", named, "--warmth", 0.3, "-o", inside, "--workers", 1, "--recursive", "--resume")
        assert ran.code == 0 and summary(ran) == f"{3 - skipped} done, {skipped} skipped, 0 failed"


@pytest.mark.parametrize(("name", "first"), [("SLURM_ARRAY_TASK_ID", 1), ("JOB_COMPLETION_INDEX", 0)])
def test_what_schedulers_run_is_one_run(mien: Mien, tmp_path: Path, name: str, first: int):
    """The line of the docs' recipe, three times at once, each in the environment that the scheduler sets."""
    (tmp_path / "in").mkdir()
    picture = cv2.imread(str(HOPPER))
    assert picture is not None
    small = cv2.resize(picture, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    for number in range(6):
        cv2.imwrite(str(tmp_path / "in" / f"{number}.png"), small[:, number:])
    recipe = re.search(rf'mien edit [^\n"]*{name}[^\n"]*', HOPPER.with_name("scale.md").read_text("utf-8"))
    assert recipe and "/10 " in recipe[0]
    line = (
        recipe[0].replace("/10 ", "/3 ").replace("/data/", "").replace("--age 20", "--warmth 0.3 --workers 1")
    )
    (tmp_path / "bin").mkdir()
    own = tmp_path / "bin" / "mien"
    own.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mien "$@"\n')
    own.chmod(0o755)
    about = os.environ | {"PATH": f"{own.parent}{os.pathsep}{os.environ['PATH']}"}
    runs = [
        subprocess.Popen(["sh", "-c", line], cwd=tmp_path, env=about | {name: str(number)})
        for number in range(first, first + 3)
    ]
    assert [run.wait(300) for run in runs] == [0, 0, 0]
    told = sorted(tmp_path.glob("*.jsonl"))
    assert not told or mien("merge-report", *told).code == 0
    assert mien("edit", tmp_path / "in", "--warmth", 0.3, "-o", tmp_path / "one", "--workers", 1).code == 0
    assert names(tmp_path / "out") == names(tmp_path / "one") == [f"{number}.png" for number in range(6)]
    for each in names(tmp_path / "one"):
        one, other = (read(tmp_path / folder / each).pixels for folder in ("one", "out"))
        assert (one == other).all()


def test_shares_of_many_runs_are_one(mien: Mien, tmp_path: Path, out: Path):
    """Into one folder, each photo by one of them; names from a list."""
    photos = [shutil.copy(HOPPER, tmp_path / f"{number}.jpg") for number in range(5)]
    listed = tmp_path / "list.txt"
    listed.write_bytes(b"\r\n".join(str(photo).encode() for photo in photos) + b"\n\n")  # both ends of lines
    asked = ("edit", "--files-from", listed, "--warmth", 0.3, "-o", out, "--workers", 1, "--json")
    told = [mien(*asked, "--shard", f"{k}/3") for k in (1, 2, 3)]
    assert all(ran.code == 0 for ran in told), told
    lines = [[json.loads(line) for line in ran.out.splitlines()] for ran in told]
    assert [rows[0] for rows in lines] == [
        {"shard": f"{k}/3", "files": len(rows) - 1} for k, rows in enumerate(lines, 1)
    ]
    done = [row["input"] for rows in lines for row in rows[1:]]
    assert sorted(done) == sorted(map(str, photos)) and len(names(out)) == 5
    assert all("of 5 files in share" in ran.err for ran in told)
    ran = mien(*asked, "--resume")
    assert ran.code == 0 and "0 done, 5 skipped" in ran.err
    for words, said in (
        (("--shard", "4/3"), "is not K/N"),
        (("--files-from", tmp_path / "no"), "cannot be read"),
    ):
        ran = mien("edit", photos[0], "--warmth", 0.3, "-o", out, *words)
        assert ran.code == 2 and said in ran.err
    for source, place in (("s3://bucket/a.jpg", out), (photos[0], "https://bucket/out/")):
        ran = mien("edit", source, "--warmth", 0.3, "-o", place)
        assert ran.code == 2 and "is an address, and mien opens none" in ran.err and len(names(out)) == 5
    ran = mien("edit", "--files-from", HOPPER, "--warmth", 0.3, "-o", out)
    assert ran.code == 2 and "is no list of files" in ran.err and ran.err.count("\n") == 1
    listed.write_text("\n")
    said = mien("edit", "--files-from", listed, "--warmth", 0.3, "-o", out).err
    assert f"{listed} names no file" in said and "no file was named" in said


def test_globs_and_files(photos: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(photos.parent)
    assert batch.gather(["photos/*"]) == [Path("photos/a.jpg"), Path("photos/b.JPG")]
    assert batch.gather(["photos/**/*.jpg"]) == [Path("photos/a.jpg"), Path("photos/below/c.jpg")]
    assert batch.gather(["./photos/a.jpg", "photos", "photos/a.jpg"]) == [
        Path("photos/a.jpg"),
        Path("photos/b.JPG"),
    ]
    assert batch.gather(["photos/notes.txt", "none.jpg"]) == [Path("photos/notes.txt"), Path("none.jpg")], (
        "named is meant"
    )
    shutil.copy("photos/a.jpg", "me[1].jpg")
    assert batch.gather(["me[1].jpg"]) == [Path("me[1].jpg")], (
        "a name is no pattern where there is such a file"
    )
    Path("empty").mkdir()
    for patterns, said in (
        (["empty"], "empty holds no pictures"),
        (["*.gif"], r"no picture matches \*\.gif"),
        (["empty", "empty"], "none of"),
    ):
        with pytest.raises(InputError, match=said):
            batch.gather(patterns)
    assert batch.gather(["photos", "empty"]), "as `photos/*` of a shell may name an empty folder"


def test_results_take_the_names_of_their_sources(tmp_path: Path):
    sources = [tmp_path / name for name in ("a.jpg", "b.PNG", "c.heic")]
    assert [target.name for _, target in batch.pair(sources, tmp_path)] == ["a.jpg", "b.PNG", "c.jpg"]
    with pytest.raises(
        OutputError, match=r"one/a\.jpg and .*two/a\.jpg would both be written as .*out/a\.jpg"
    ):
        batch.pair([tmp_path / "one" / "a.jpg", tmp_path / "two" / "a.jpg"], tmp_path / "out")


def test_results_of_an_earlier_run_are_no_sources(photos: Path):
    inside = photos / "out"
    inside.mkdir()
    for name in ("a.jpg", "b.JPG"):
        shutil.copy(photos / name, inside)
    pairs = batch.pair(
        batch.gather(
            [str(path) for path in sorted(photos.iterdir()) if path.name[0] in "abo" and path.name != "below"]
        ),
        inside,
    )
    assert [source for source, _ in pairs] == [photos / "a.jpg", photos / "b.JPG"]
    pairs = batch.pair(batch.gather([f"{photos}/**/[ab].*"]), inside)
    assert [source for source, _ in pairs] == [photos / "a.jpg", photos / "b.JPG"]


# ---- the run


def test_many_photos_of_which_some_fail(mien: Mien, photos: Path, out: Path):
    save(photos / "blank.png", np.full((200, 200, 3), 127, np.uint8))
    (photos / "cut.jpg").write_bytes(HOPPER.read_bytes()[:20000])
    (out / "b.JPG").write_bytes(b"mine")
    ran = mien(
        "edit",
        photos,
        photos / "below" / "c.jpg",
        photos / "none.jpg",
        "--smile",
        0.5,
        "-o",
        out,
        "--workers",
        2,
        "--json",
    )
    assert ran.code == 1
    ended = {
        "a.jpg": "done",
        "b.JPG": "failed",
        "blank.png": "failed",
        "c.jpg": "done",
        "cut.jpg": "failed",
        "none.jpg": "failed",
    }
    assert states(ran) == ended and names(out) == ["a.jpg", "b.JPG", "c.jpg"]
    *lines, last = ran.err.splitlines()
    assert (
        last == "2 done, 0 skipped, 4 failed"
        and len(lines) == 4
        and all(line.startswith("mien: ") for line in lines)
    )
    for said in (
        f"{out / 'b.JPG'} exists",
        "blank.png: no face found in 200 x 200",
        "cut.jpg is truncated",
        "none.jpg: no such file",
    ):
        assert sum(said in line for line in lines) == 1
    assert (out / "b.JPG").read_bytes() == b"mine" and verify(out / "a.jpg").ingredients == ("a.jpg",)


def test_resume_does_what_is_left(mien: Mien, photos: Path, out: Path):
    command = "edit", photos, "--smile", 0.5, "-o", out, "--workers", 1, "--json"
    assert mien(*command).code == 0
    ran = mien(*command)
    assert ran.code == 1 and summary(ran) == "0 done, 0 skipped, 2 failed" and ran.err.count("--resume") == 2
    before = (out / "a.jpg").stat().st_mtime_ns
    ran = mien(*command, "--resume")
    assert ran.code == 0 and summary(ran) == "0 done, 2 skipped, 0 failed"
    data = bytearray((out / "b.JPG").read_bytes())
    data[-100] ^= 1
    (out / "b.JPG").write_bytes(data)
    ran = mien(*command, "--resume")
    assert ran.code == 0 and states(ran) == {"a.jpg": "skipped", "b.JPG": "done"}, (
        "what was damaged is made again"
    )
    (out / "b.JPG").write_bytes(data[: len(data) // 2])
    assert states(mien(*command, "--resume")) == {"a.jpg": "skipped", "b.JPG": "done"}, (
        "and so is what was cut"
    )
    (out / "b.JPG").write_bytes(b"")
    ran = mien(*command, "--resume")
    assert ran.code == 0 and states(ran) == {"a.jpg": "skipped", "b.JPG": "done"}, "and what is empty"
    assert verify(out / "b.JPG").state == "intact" and (out / "a.jpg").stat().st_mtime_ns == before


def test_what_another_run_has_made_meanwhile_is_skipped(photos: Path, out: Path):
    job = batch.Job(photos / "a.jpg", out / "a.jpg", EditRequest({"warmth": 0.5}))
    assert batch.attempt(job, 1).state == "done"
    assert batch.attempt(job, 1, resume=True).state == "skipped"
    assert batch.attempt(job, 1).state == "failed"
    other = replace(job, request=EditRequest({"warmth": 0.6}))
    assert batch.attempt(other, 1, resume=True).state == "failed"


def test_resume_by_another_request_writes_nothing_over(mien: Mien, photos: Path, out: Path):
    command = "edit", photos, "-o", out, "--workers", 1, "--json"
    assert mien(*command, "--smile", 0.5).code == 0
    (out / "b.JPG").write_bytes(HOPPER.read_bytes())
    ran = mien(*command, "--smile", 0.7, "--resume")
    assert ran.code == 1 and states(ran) == {"a.jpg": "failed", "b.JPG": "failed"}
    assert (
        "a.jpg is there and was made with smile=0.5 face=all" in ran.err
        and "b.JPG is there and was not made from" in ran.err
    )
    assert (out / "b.JPG").read_bytes() == HOPPER.read_bytes()
    assert mien(*command, "--smile", 0.7, "--resume", "--force").code == 0
    assert {verify(path).history[-1].arguments["smile"] for path in out.iterdir()} == {0.7}
    assert summary(mien(*command, "--smile", 0.7, "--resume", "--force")) == "0 done, 2 skipped, 0 failed"


def test_in_place_wants_force(mien: Mien, photos: Path):
    original = (photos / "a.jpg").read_bytes()
    for more in ((), ("--resume",)):
        ran = mien("edit", photos, "--smile", 0.5, "-o", photos, *more)
        assert (
            ran.code == 1
            and summary(ran) == "0 done, 0 skipped, 2 failed"
            and ran.err.count("is the input") == 2
        )
    assert (photos / "a.jpg").read_bytes() == original
    assert mien("edit", photos, "--smile", 0.5, "-o", photos, "--force", "--workers", 1).code == 0
    assert verify(photos / "a.jpg").ingredients == ("a.jpg",)


def test_a_glob_that_the_shell_left_alone(mien: Mien, photos: Path, out: Path):
    handler = signal.getsignal(signal.SIGINT)
    ran = mien("edit", photos / "a*", "--smile", 0.5, "-o", out)
    assert signal.getsignal(signal.SIGINT) is handler
    assert ran.code == 0 and names(out) == ["a.jpg"]


def test_a_photo_in_which_nothing_has_changed_is_told(mien: Mien, photos: Path, out: Path):
    for smile, changed in ((0, False), (0.5, True)):
        ran = mien("edit", photos / "a.jpg", "--smile", smile, "-o", out / f"{smile}.jpg", "--json")
        assert (ran.code, json.loads(ran.out)["changed"], "nothing has changed" in ran.err) == (
            0,
            changed,
            not changed,
        )
    ran = mien("edit", photos, "--smile", 0, "-o", out, "--workers", 1, "--json")
    assert [json.loads(line)["changed"] for line in ran.out.splitlines()] == [False] * 2
    assert ran.err.count("nothing has changed") == 2 and summary(ran) == "2 done, 0 skipped, 0 failed"


def test_what_is_refused_before_the_work(mien: Mien, photos: Path, tmp_path: Path):
    for words, said in (
        ((photos, "-o", tmp_path / "no.jpg"), "2 photos to write into a folder, and"),
        ((photos, "-o", photos / "a.jpg"), "a.jpg names a file"),
        ((photos / "*.gif", "-o", tmp_path), "no picture matches"),
        ((photos, photos / "below" / "..", "-o", tmp_path), "would both be written as"),
        ((photos, "-o", tmp_path, "--age", "90"), "age 90 is out of range"),
    ):
        ran = mien("edit", *words, "--smile", 0.5)
        assert (
            (ran.code, ran.out) == (2, "")
            and ran.err.startswith("mien: ")
            and said in ran.err
            and ran.err.count("\n") == 1
        )
    assert names(tmp_path) == ["photos"]


def test_a_name_without_a_suffix_is_a_folder_that_is_made(mien: Mien, photos: Path, tmp_path: Path):
    ran = mien("edit", photos / "a.jpg", "--smile", 0.5, "-o", tmp_path / "new" / "place")
    assert (ran.code, names(tmp_path / "new" / "place")) == (0, ["a.jpg"])
    ran = mien("edit", photos / "a.jpg", "--smile", 0.5, "-o", photos / "a.jpg" / "below")
    assert (ran.code, "no folder can be made there" in ran.err) == (2, True)
    ran = mien("edit", photos, "--smile", 0.5, "-o", tmp_path / "all")
    assert (ran.code, names(tmp_path / "all")) == (0, ["a.jpg", "b.JPG"])


def test_a_process_that_dies_takes_no_others_along(photos: Path, out: Path):
    """The worker that meets the poisoned job ends as if killed for want of memory; the jobs after it are done
    by new ones."""
    jobs = [batch.Job(photos / name, out / name, EditRequest({"smile": 0.5})) for name in ("a.jpg", "b.JPG")]
    poisoned = batch.Job(photos / "a.jpg", out / "x.jpg", Poison())
    ended = {
        outcome.job.target.name: outcome for outcome in Processes(1).run([poisoned, *jobs], resume=False)
    }
    assert {name: one.state for name, one in ended.items()} == {
        "x.jpg": "failed",
        "a.jpg": "done",
        "b.JPG": "done",
    }
    assert "for want of memory" in ended["x.jpg"].said and names(out) == ["a.jpg", "b.JPG"]


class Poison(EditRequest):
    """A request that ends the process that receives it."""

    def __reduce__(self):
        return os._exit, (9,)


def test_done_refuses_what_it_cannot_judge(photos: Path, out: Path):
    job = batch.Job(photos / "a.jpg", out / "a.jpg", EditRequest({"smile": 0.5}))
    assert not batch.done(job)
    job.target.touch()
    assert not batch.done(job), "what is empty may be made again"
    for content in (b"text", HOPPER.read_bytes()):
        job.target.write_bytes(content)
        with pytest.raises(MienError, match="write over it with --force"):
            batch.done(job)


# ---- Ctrl-C


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
@pytest.mark.parametrize("when", ["at the first result", "while processes start"])
def test_ctrl_c_is_clean_and_resume_goes_on(mien: Mien, tmp_path: Path, out: Path, when: str):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(8):
        shutil.copy(HOPPER, photos / f"{number}.jpg")
    words = "edit", photos, "--smile", "0.5", "-o", out, "--workers", "2", "--json"
    command = [sys.executable, "-m", "mien", *map(str, words)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        if when == "at the first result":
            process.stdout.readline()
        else:
            wait_for_children(process.pid)
        for _ in range(2):  # people are impatient
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
            time.sleep(0.1)
        said = process.stderr.read()
        assert process.wait(20) == 130
    assert (
        "Traceback" not in said
        and said.splitlines()[-1] == "mien: stopped: the same command with --resume goes on"
    ), said
    finished = names(out)
    assert said.splitlines()[-2] == f"{len(finished)} done, 0 skipped, 0 failed"
    assert len(finished) < 8 and all(verify(out / name).state == "intact" for name in finished)
    if when == "at the first result":
        assert finished
    ran = mien(*words[:-3], "--workers", "1", "--resume")
    assert ran.code == 0 and summary(ran) == f"{8 - len(finished)} done, {len(finished)} skipped, 0 failed"
    assert names(out) == names(photos)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here that tells of processes")
def test_no_process_outlives_one_that_was_killed(tmp_path: Path, out: Path):
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(8):
        shutil.copy(HOPPER, photos / f"{number}.jpg")
    words = "edit", photos, "--smile", "0.5", "-o", out, "--workers", "1", "--json"
    command = [sys.executable, "-m", "mien", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(alive(process.pid)) > 1
        process.kill()
    deadline = time.monotonic() + 10
    while (left := alive(process.pid)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not left


def alive(session: int) -> list[str]:
    """The processes of a session that have not ended."""
    found = []
    for one in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its = one.read_text().rpartition(")")[2].split()[:4]
        except (OSError, ValueError):
            continue
        if int(its) == session and state != "Z":
            found.append(one.parent.name)
    return found


def wait_for_children(pid: int) -> None:
    """Until the process has started others: their interpreters are then still loading."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    if not children.exists():
        pytest.skip("no /proc here that tells of children")
    deadline = time.monotonic() + 20
    while len(children.read_text().split()) < 2 and time.monotonic() < deadline:
        time.sleep(0.005)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_a_name_that_is_no_text_is_resumed(mien: Mien, photo: Path, tmp_path: Path):
    source = photo.rename(tmp_path / os.fsdecode(b"caf\xe9.jpg"))
    words = (source, "--warmth", 0.5, "--face", source, "-o", tmp_path / "out.jpg", "--resume")
    first, second = mien("edit", *words), mien("edit", *words)
    assert first.code == 0 and "1 done, 0 skipped" in first.err, first
    assert second.code == 0 and "0 done, 1 skipped" in second.err, second


def test_one_photo_is_resumed(mien: Mien, photo: Path, tmp_path: Path):
    words = (photo, "--warmth", 0.5, "-o", tmp_path / "out.jpg", "--resume")
    first, second = mien("edit", *words), mien("edit", *words)
    assert first.code == 0 and "1 done, 0 skipped" in first.err, first
    assert second.code == 0 and "0 done, 1 skipped" in second.err, second
