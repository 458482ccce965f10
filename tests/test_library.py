"""The library as its users' tools see it: names, types, values that print shortly, and pictures of any
kind."""

import inspect
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faces import HOPPER, hopper, hopper_face, kit, planned
from PIL import Image

import mien
from mien import InputError, Photo, RequestError, Session, edit, verbs
from mien.edits.request import EDITS, METHODS, EditRequest, Strengths
from mien.pipeline.photo import edit_photo
from mien.pipeline.stylize import Manner, StyleRequest
from mien.types import Phase

# ---- names


@pytest.mark.parametrize("module", (mien, verbs))
def test_public_names_are_sorted_and_there(module: Any):
    assert module.__all__ == sorted(module.__all__)
    assert all(hasattr(module, name) for name in module.__all__)


def test_nothing_leaks_and_nothing_lacks():
    """Every function that `verbs` has is public, and everything public is made in the package."""
    functions = {
        name
        for name, value in vars(verbs).items()
        if inspect.isfunction(value) or hasattr(value, "cache_clear")
    }
    assert functions == set(verbs.__all__)
    assert set(dir(mien)) == {*mien.__all__, "open"}, "a star import must not hide Python's own"
    assert all(
        getattr(mien, name).__module__.startswith("mien.") for name in mien.__all__ if name != "__version__"
    )


def test_every_verb_says_what_it_does():
    for name in verbs.__all__:
        text = inspect.getdoc(getattr(verbs, name)) or ""
        assert len(text) > 30, name


def test_the_package_is_typed():
    assert (Path(mien.__file__).parent / "py.typed").is_file()
    assert set(Strengths.__annotations__) == set(EDITS)


def test_help_costs_nothing():
    code = "import sys; sys.argv = ['mien', 'edit', '--help']\ntry:\n import mien.cli; mien.cli.main()\nexcept SystemExit: pass\n"
    code += "print(sorted({'cv2', 'numpy', 'onnxruntime', 'PIL', 'c2pa'} & set(sys.modules)))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.splitlines()[-1]
        == "[]"
    )


# ---- values


def test_values_print_on_a_line():
    crop = verbs.align(hopper(), size=64, kit=kit())[0][1]
    change = planned({"lips": "red"})[0](mien.align(hopper(), size=512, template="face", kit=kit())[0][1])
    values = (hopper(), hopper_face(), crop, change, Session(hopper(), kit=kit()))
    for value in values:
        assert len(repr(value)) < 120 and "\n" not in repr(value) and "array(" not in repr(value), repr(value)
    assert "512 x 600" in repr(hopper()) and "edit" in repr(edit(hopper(), warmth=0.5, kit=kit()))


def test_a_notebook_shows_a_photo():
    for photo in (hopper(), Photo(np.full((900, 1700, 3), 40_000, np.uint16))):
        shown = Image.open(io.BytesIO(photo._repr_png_()))  # pyright: ignore[reportPrivateUsage] - the name is the notebooks'
        assert shown.format == "PNG" and max(shown.size) <= 800


# ---- pictures of any kind


def test_edit_takes_any_picture():
    wanted = edit(hopper(), lips="red", kit=kit()).pixels
    data = HOPPER.read_bytes()
    with HOPPER.open("rb") as file, Image.open(HOPPER) as picture:
        for source in (
            HOPPER,
            str(HOPPER),
            data,
            bytearray(data),
            io.BytesIO(data),
            file,
            picture,
            hopper().pixels,
        ):
            assert np.array_equal(edit(source, lips="red", kit=kit()).pixels, wanted), type(source)  # pyright: ignore[reportArgumentType]


def test_pictures_with_opacity_or_without_colour():
    clear = np.dstack([hopper().pixels, np.full(hopper().pixels.shape[:2], 128, np.uint8)])
    after = edit(clear, warmth=0.5, kit=kit())
    assert after.opacity is not None and (after.opacity == 128).all()
    grey = edit(Image.open(HOPPER).convert("L"), smile=0.5, kit=kit()).pixels
    assert np.ptp(grey.astype(int), axis=2).max() <= 1


@pytest.mark.parametrize(
    "source",
    (3, None, np.zeros((4, 4, 3), float), np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8), b"x"),
)
def test_what_is_no_picture_is_refused(source: Any):
    with pytest.raises(InputError, match=r"wanted"):
        edit(source, smile=0.5, kit=kit())


# ---- requests


def test_a_session_does_what_edit_does():
    session = mien.open(HOPPER, kit=kit())
    requests: tuple[dict[str, Any], ...] = ({"smile": 0.5}, {"hair": "blond", "light": 0.3}, {"smile": 0.5})
    for asked in requests:
        assert np.array_equal(session.edit(**asked).pixels, edit(hopper(), kit=kit(), **asked).pixels)
    assert session.edit(smile=0) is session.photo and session.photo.history == ()


@pytest.mark.parametrize("wrong", [None, {"smile": 0.5}, EditRequest({"smile": 0.5}, face=3.5)])  # pyright: ignore[reportArgumentType]
def test_a_session_takes_requests_only(wrong: Any):
    with pytest.raises(RequestError, match=r"EditRequest was wanted|neither all, largest"):
        Session(hopper(), kit=kit()).apply(wrong)


def test_a_session_looks_once(monkeypatch: pytest.MonkeyPatch):
    session = mien.open(hopper(), kit=kit())
    session.edit(smile=0.5)

    def never(*_: Any) -> Any:
        raise AssertionError("looked again")

    monkeypatch.setattr("mien.pipeline.session.find_occlusion", never)
    monkeypatch.setattr(type(session.kit), "faces", never)
    session.edit(smile=0.8, age=10)


def test_a_request_is_a_value():
    request = EditRequest({"smile": 0.8, "lips": "red:0"}, face="largest", start=1.5)
    assert request == EditRequest({"smile": 0.8, "lips": "red:0"}, face="largest", start=1.5)
    assert request.arguments() == {"smile": 0.8, "lips": "red:0", "face": "largest", "begin": 1.5}
    assert request.amounts == {"smile": 0.8} and EditRequest({"age": 0}).empty
    assert StyleRequest(Manner("candy"), 0.5).arguments() == {"network": "candy", "strength": 0.5}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"strengths": {"age": 5.0, "age_to": 40.0}}, "either years or an age"),
        ({"strengths": {"smile": 0.5, "grin": 0.5}}, "a grin is a smile already"),
        ({"method": "magic"}, f"there are {', '.join(METHODS)}"),
        ({"method": "network", "network": "mine"}, "leave out --by network or --with mine"),
        ({"directions": {"s1": 1.0}}, "directions belong to a generator"),
        ({"directions": {"s1": 11.0}, "network": "mine"}, "from -10 to 10"),
        ({"strengths": {"lips": 0.5}}, "lips wants a colour"),
    ],
)
def test_a_request_that_contradicts_itself(fields: dict[str, Any], said: str):
    with pytest.raises(RequestError, match=said):
        EditRequest(**fields).checked()


def test_a_plan_follows_the_phases():
    everything: dict[str, float | str] = {
        name: {"hairstyle": "bob", "effect": "crown"}.get(
            name, "red" if option.unit == "colour" else option.high
        )
        for name, option in EDITS.items()
    }
    del everything["age_to"], everything["grin"], everything["hair_grey"]
    phases = [list(Phase).index(one.phase) for one in planned(everything | {"beard": -1.0})]
    assert phases == sorted(phases) and phases[0] == 0 and len(set(phases)) == len(Phase)


def test_old_words_still_work_and_say_so():
    with pytest.warns(DeprecationWarning, match=r"by= will be gone in mien 0\.3: write method="):
        after = edit(hopper(), kit=kit(), smile=0.5, by="prototypes")  # pyright: ignore[reportCallIssue]
    assert np.array_equal(after.pixels, edit(hopper(), kit=kit(), smile=0.5, method="prototypes").pixels)


def test_old_words_are_refused_once_they_are_gone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mien.deprecations.__version__", "0.3.0")
    with pytest.raises(RequestError, match=r"by= is gone since mien 0\.3: write method="):
        edit(hopper(), kit=kit(), smile=0.5, by="prototypes")  # pyright: ignore[reportCallIssue]


def test_a_kit_opens_once_from_many_threads_and_lets_go():
    from concurrent.futures import ThreadPoolExecutor

    with mien.Kit(threads=1) as own:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: own.parser, range(8)))
        assert all(one is found[0] for one in found)
        own.close()
        assert own.parser is not found[0]


# ---- what newcomers met


@pytest.mark.parametrize("suffix", (".png", ".jpg"))
def test_a_copy_keeps_its_label(tmp_path: Path, suffix: str):
    """Written again without a change, or out of memory: what was done before stays told."""
    first, copy, later = (tmp_path / f"{name}{suffix}" for name in ("first", "copy", "later"))
    mien.write(edit(hopper(), lips="red", kit=kit()), first)
    mien.write(mien.read(first), copy)
    mien.write(edit(first.read_bytes(), warmth=0.4, kit=kit()), later)
    assert [(verb.state, len(verb.history)) for verb in map(mien.verify, (first, copy, later))] == [
        ("intact", 1),
        ("intact", 1),
        ("intact", 2),
    ]


def test_an_edit_that_found_nothing_says_so():
    bald = edit(hopper(), smile=0.5, hair="red", kit=kit())
    assert bald.history[-1].notes == ("face 1: no hair was seen, so nothing was done to it",)
    assert edit(hopper(), sex=-0.5, kit=kit()).history[-1].notes == (), (
        "of what was not asked for nothing is told"
    )


class Odd:
    """An edit of somebody's own that gives what `field` says."""

    alignment, networks, phase = mien.Alignment("face", 64), (), Phase.OVERLAY

    def __init__(self, **fields: Any) -> None:
        self.fields = fields

    def __call__(self, crop: mien.Crop) -> Any:
        zero: dict[str, Any] = {
            "flow": np.zeros((64, 64, 2)),
            "colour": np.zeros((64, 64, 3)),
            "alpha": np.ones((64, 64)),
        }
        return mien.Change(**zero | self.fields) if "change" not in self.fields else self.fields["change"]


def test_an_edit_of_ones_own_is_checked():
    face = [hopper_face()]
    edit_photo(hopper(), [Odd()], face, [0], {})  # float64 is taken
    wrong: tuple[dict[str, Any], ...] = (
        {"colour": np.full((64, 64, 3), np.nan)},
        {"alpha": np.ones((32, 32))},
        {"flow": None},
        {"change": None},
    )
    for fields in wrong:
        with pytest.raises(RequestError, match="the edit Odd gave"):
            edit_photo(hopper(), [Odd(**fields)], face, [0], {})


def test_numbers_of_numpy_are_numbers():
    after = edit(hopper(), warmth=np.float32(0.5), kit=kit())  # pyright: ignore[reportArgumentType]
    assert after.history[-1].arguments["warmth"] == 0.5
    with pytest.raises(RequestError, match="age wants a number"):
        edit(hopper(), age=True, kit=kit())


def test_a_word_that_is_given_twice():
    with pytest.raises(RequestError, match="method was given twice"):
        edit(hopper(), smile=0.5, method="network", by="prototypes")  # pyright: ignore[reportCallIssue]


@pytest.mark.parametrize("name", ["MIEN_LICENSE", "MIEN_SIGN_CRT", "MIEN_HOEM", "MIENLICENCE"])
def test_a_setting_that_is_nearly_one_is_refused(monkeypatch: pytest.MonkeyPatch, name: str):
    """As it would not protect; what other programs set is theirs."""
    monkeypatch.setenv("MIEN_OF_OTHERS", "1")
    mien.Kit()
    monkeypatch.setenv(name, "commercial")
    with pytest.raises(
        RequestError, match=f"{name} is set, and no setting is called that: did you mean MIEN_"
    ):
        mien.Kit()
    with pytest.raises(RequestError, match="no setting is called that"):
        mien.verify(HOPPER)


def test_a_grid_of_nothing():
    with pytest.raises(RequestError, match="no picture came"):
        verbs.grid([])


def test_a_licence_that_there_is_not(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MIEN_LICENCE", "comercial")
    with pytest.raises(RequestError, match="licence 'comercial' is not known"):
        mien.Kit()


@pytest.mark.parametrize("threads", ["2", None, 1.5, -1, 10**6])
def test_threads_that_there_cannot_be(threads: Any):
    with pytest.raises(RequestError, match="from 0 to"):
        mien.Kit(threads=threads)


def test_words_and_pictures_that_are_none():
    with pytest.raises(RequestError, match="no edit is called 1"):
        mien.EditRequest({1: 2}).checked()  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match="of mode La"):
        edit(Image.new("La", (9, 9)), kit=kit(), warmth=0.5)


def test_a_pipe_is_no_effect(tmp_path: Path):
    os.mkfifo(tmp_path / "x.zip")
    with pytest.raises(InputError, match="neither a folder nor a zip"):
        edit(hopper(), kit=kit(), effect=str(tmp_path / "x.zip"))
