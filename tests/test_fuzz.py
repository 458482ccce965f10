"""Harmed files of every kind that mien reads: whatever is in them, the answer is a result or a `MienError` of
one line. MIEN_FUZZ says how many examples a kind, for a night's run; the tests take a few seconds each."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from conftest import HOPPER
from faces import ROOT, kit
from films import film
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin, features

from mien import verbs
from mien.errors import MienError
from mien.face.motion import Motion
from mien.io import captions, clip_reader, clip_writer, declarations, photo_reader, photo_writer
from mien.io import content_credentials as provenance
from mien.models import card, trial
from mien.models.card import Card
from mien.pipeline import resume
from mien.pipeline.clip_style import ClipStylizer
from mien.pipeline.consent import FILE, Consent
from mien.pipeline.effect import effect_check
from mien.pipeline.gallery import Gallery, load
from mien.types import SILENT, Array, Origin, Photo, Source, Step

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of what it copes with
LONG = int(os.environ.get("MIEN_FUZZ", "0"))
PIXELS = np.random.default_rng(0).integers(0, 255, (24, 32, 3)).astype(np.uint8)
STEP = Step("edit", {"smile": 1}, (("net", "ab" * 32),), "1", "2026-01-01", sources=(Source("a", "style"),))

Harm = tuple[str, float, int, bytes]
HARMS = st.lists(
    st.tuples(
        st.sampled_from(["set", "set", "set", "cut", "put", "end", "swap"]),
        st.floats(0, 0.9999),
        st.integers(1, 64),
        st.one_of(
            st.binary(min_size=1, max_size=8), st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff"])
        ),
    ),
    min_size=1,
    max_size=8,
)


def fuzzed(count: int) -> Callable[[Any], Any]:
    return settings(
        max_examples=LONG or count,
        deadline=None,
        derandomize=not LONG,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


def harmed(data: bytes, harms: list[Harm]) -> bytes:
    """Bytes set, cut out, put in, cut off at the end, or taken from elsewhere."""
    out = bytearray(data)
    for how, place, length, some in harms:
        at = int(place * len(out))
        if how == "set":
            out[at : at + len(some)] = some
        elif how == "cut":
            del out[at : at + length]
        elif how == "put":
            out[at:at] = some
        elif how == "swap":
            out[at : at + length] = data[:length]
        elif len(out) > at > 0 and place > 0.5:
            del out[at:]
    return bytes(out)


@contextmanager
def refused_or_done() -> Generator[None]:
    """A `MienError` of one line is as good as a result."""
    try:
        yield
    except MienError as error:
        assert "\n" not in str(error), str(error)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


# ---- pictures


@cache
def pictures() -> dict[str, bytes]:
    """One of each kind, with all that a file can carry beside its pixels."""
    exif, texts = Image.Exif(), PngImagePlugin.PngInfo()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    exif.get_ifd(0x8769).update({0x9003: "2020:01:02 03:04:05", 0x829A: 0.01, 0x927C: b"note", 0xA002: 32})
    exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 15.0)})
    texts.add_text("parameters", "a portrait", zip=True)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    xmp = declarations.xmp(None, (STEP,)).replace(b"AISystemUsed>mien<", b"AISystemUsed>other<")
    resources = b"8BIM\x04\x04\0\0\0\0\0\x06\x1c\x02\x78\0\1a" + b"8BIM\x04\x0c\0\0\0\0\0\x02ab"
    about: dict[str, Any] = {"exif": exif, "icc_profile": icc, "xmp": xmp, "dpi": (300, 300)}
    kinds: dict[str, dict[str, Any]] = {
        "JPEG": about | {"extra": captions.segments(resources), "comment": b"words"},
        "PNG": about | {"pnginfo": texts},
        "WEBP": about,
        "BMP": {},
    }
    out: dict[str, bytes] = {}
    for form, more in (kinds | ({"AVIF": about} if features.check("avif") else {})).items():
        file = io.BytesIO()
        Image.fromarray(PIXELS).save(file, form, **more)
        out[form] = file.getvalue()
    return out


def deep(suffix: str, folder: Path) -> bytes:
    """A picture of 16 bits with opacity, as mien writes it."""
    pixels = PIXELS.astype(np.uint16) * 257
    path = folder / f"deep{suffix}"
    if not path.exists():
        read = photo_reader.as_photo(pictures()["JPEG"])
        photo_writer.write(Photo(pixels, pixels[..., 0].copy(), origin=read.origin), path)
    return path.read_bytes()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "BMP", "AVIF", ".tif", ".png"])
def test_pictures(folder: Path, form: str):
    if not (data := deep(form, folder) if form[0] == "." else pictures().get(form, b"")):
        pytest.skip("this Pillow knows no AVIF")

    @given(HARMS, st.sampled_from([".jpg", ".png", ".webp", ".tif"]))
    @fuzzed(40)
    def run(harms: list[Harm], suffix: str) -> None:
        with refused_or_done():
            photo = photo_reader.read(io.BytesIO(harmed(data, harms)), max_pixels=1_000_000)
            assert photo.pixels.ndim == 3 and photo.pixels.shape[2] == 3
            photo_writer.write(photo, folder / f"out{suffix}", force=True)

    run()


@given(HARMS, st.sampled_from(["exif", "xmp", "iptc"]), st.sampled_from([".jpg", ".png", ".webp", ".tif"]))
@fuzzed(150)
def test_what_pictures_carry(folder: Path, harms: list[Harm], what: str, suffix: str):
    """The same where nothing but metadata is harmed, from reading it to writing it in another format."""
    data = pictures()["JPEG"]
    origin = photo_reader.as_photo(data).origin
    blob = {"exif": origin.exif, "xmp": origin.xmp, "iptc": origin.iptc}[what]
    assert blob
    with refused_or_done():
        harm = harmed(blob, harms)[: len(blob)].ljust(len(blob), b"\0")
        photo = photo_reader.as_photo(data.replace(blob, harm))
        photo_writer.write(photo.after(STEP, photo.pixels), folder / f"carried{suffix}", force=True)


# ---- labels


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".mp4"])
def test_labels(folder: Path, suffix: str):
    """Harmed around the label, so that it is read, and made the parent of another picture's."""
    path = folder / f"labelled{suffix}"
    if suffix == ".mp4":
        clip_writer.write([PIXELS] * 2, path, fps=30, history=(STEP,), force=True)
    else:
        photo_writer.write(Photo(PIXELS, history=(STEP,)), path, force=True)
    data, harm = path.read_bytes(), folder / f"harmed{suffix}"
    start, end = data.index(b"jumb"), data.rindex(b"cpad")

    @given(HARMS)
    @fuzzed(25)
    def run(harms: list[Harm]) -> None:
        harm.write_bytes(data[:start] + harmed(data[start:end], harms) + data[end:])
        with refused_or_done():
            verdict = provenance.verify(harm)
            assert json.dumps([step.arguments for step in verdict.history]) is not None
        with refused_or_done():
            origin = Origin(path=str(harm), format="video/mp4" if suffix == ".mp4" else suffix[1:])
            photo_writer.write(
                Photo(PIXELS, history=(STEP,), origin=origin), folder / "child.png", force=True
            )

    run()


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from([*Step.__dataclass_fields__, "schema"]), JSON))
@fuzzed(200)
def test_steps(told: dict[str, Any]):
    whole = provenance.told(STEP)  # pyright: ignore[reportPrivateUsage]
    for fields in (told, whole | told):
        step = provenance._step(json.dumps(fields))  # pyright: ignore[reportPrivateUsage]
        if step is not None:
            assert all(isinstance(word, str) for word in (step.verb, step.time, *step.notes))
            assert isinstance(step.arguments, dict) and json.dumps(step.arguments)


# ---- networks


@given(st.dictionaries(st.sampled_from([*Card.__dataclass_fields__, "schema", "else"]), JSON))
@fuzzed(200)
def test_cards(told: dict[str, Any]):
    whole = json.loads(Card("n", "translator", "CC0-1.0").to_json())
    for fields in (told, whole | told):
        with refused_or_done():
            read = Card.from_json(json.dumps(fields), "here")
            assert isinstance(read.role, str) and isinstance(read.size, int) and read.size >= 0


@cache
def packs() -> dict[str, bytes]:
    """An effect pack as a zip, packed and not."""
    out: dict[str, bytes] = {}
    for how in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", how) as pack:
            for path in sorted((ROOT / "src/mien/data/effects/clown").iterdir()):
                pack.write(path, path.name)
        out[str(how)] = file.getvalue()
    return out


@pytest.mark.parametrize("how", packs())
def test_effect_packs(folder: Path, how: str):
    path = folder / "pack.zip"

    @given(HARMS)
    @fuzzed(60)
    def run(harms: list[Harm]) -> None:
        path.write_bytes(harmed(packs()[how], harms))
        with refused_or_done():
            effect_check(path)

    run()


@given(HARMS)
@fuzzed(60)
def test_statistics(folder: Path, harms: list[Harm]):
    path, file = folder / "stats.npz", io.BytesIO()
    about: dict[str, Any] = {
        card.KEY: np.array(Card("n", "directions", "CC0-1.0").to_json()),
        "a": np.zeros(9),
    }
    np.savez(file, **about)
    path.write_bytes(harmed(file.getvalue(), harms))
    with refused_or_done():
        card.arrays(path)


@given(HARMS)
@fuzzed(3)
def test_networks(folder: Path, harms: list[Harm]):
    """Few, as each is opened in a process of its own."""
    onnx: Any = pytest.importorskip("onnx")
    helper = onnx.helper
    sides = [helper.make_tensor_value_info(name, 1, [1, 3, "h", "w"]) for name in ("pixels", "picture")]
    node = helper.make_node("Identity", ["pixels"], ["picture"])
    model = helper.make_model(helper.make_graph([node], "n", sides[:1], sides[1:]), ir_version=9)
    helper.set_model_props(model, {card.KEY: Card("n", "translator", "CC0-1.0").to_json()})
    path = folder / "net.onnx"
    path.write_bytes(harmed(model.SerializeToString(), harms))
    with refused_or_done():
        trial.try_out(path)


@given(HARMS)
@fuzzed(60)
def test_checkpoints(folder: Path, harms: list[Harm]):
    torch: Any = pytest.importorskip("torch", reason="training needs the extra 'train'")
    from mien.train.published import detect

    path, files = folder / "file.pt", list[bytes]()
    for new in (True, False):
        file = io.BytesIO()
        tree = {
            "g_ema": {f"convs.{i}.weight": torch.zeros(2, 3) for i in range(3)},
            "latent_avg": torch.zeros(8),
        }
        torch.save(tree, file, _use_new_zipfile_serialization=new)
        files.append(file.getvalue())
    for data in files:
        path.write_bytes(harmed(data, harms))
        with refused_or_done():
            detect.read(path)


# ---- what mien keeps and reads again


@given(
    HARMS,
    st.dictionaries(st.sampled_from(["motion", "name", "fps", "frames", "basis", "columns", "data"]), JSON),
)
@fuzzed(150)
def test_motions(harms: list[Harm], told: dict[str, Any]):
    whole = Motion("nod", 30, np.zeros((3, 11), np.float32)).text()
    texts = harmed(whole.encode(), harms).decode(errors="replace"), json.dumps(json.loads(whole) | told)
    for text in (*texts, "[" * 100_000):
        with refused_or_done():
            assert Motion.parse(text, "a.json", 1).fps > 0


@pytest.fixture(scope="module")
def gallery(folder: Path) -> bytes:
    Gallery.of(HOPPER, kit=kit()).save(folder / "hopper.gallery")
    return (folder / "hopper.gallery").read_bytes()


@given(HARMS, st.dictionaries(st.sampled_from(["format", "name", "pictures"]), JSON))
@fuzzed(40)
def test_galleries(folder: Path, gallery: bytes, harms: list[Harm], told: dict[str, Any]):
    path = folder / "bad.gallery"
    path.write_bytes(harmed(gallery, harms))
    with refused_or_done():
        load(path, kit())
    with np.load(io.BytesIO(gallery)) as file:
        arrays = dict(file)
    arrays["about"] = np.array(json.dumps(json.loads(str(arrays["about"])) | told))
    np.savez(path.open("wb"), **arrays)
    with refused_or_done():
        load(path, kit())


@given(HARMS, st.dictionaries(st.sampled_from([*Consent.__dataclass_fields__, "else"]), JSON))
@fuzzed(150)
def test_records(folder: Path, harms: list[Harm], told: dict[str, Any]):
    """Of consent, and of what runs have done."""
    record = asdict(Consent("Ann", "by mail", "01234567", "2026-01-01", vector=(0.5, 0.5)))
    line = json.dumps({"input": "a", "output": "b", "state": "done"})
    home = folder / "home"
    home.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIEN_HOME", str(home))
        for data in (harmed(json.dumps([record]).encode(), harms), json.dumps([record | told]).encode()):
            (home / FILE).write_bytes(data)
            with refused_or_done():
                for one in verbs.consents():
                    assert isinstance(one.words + one.over, str)
    (folder / "runs.jsonl").write_bytes(harmed(line.encode(), harms))
    with refused_or_done():
        verbs.merge_reports([folder / "runs.jsonl"])


# ---- clips


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".avi", ".mts", ".mpg"])
def test_clips(folder: Path, suffix: str):
    codec = {".avi": "mpeg4", ".mpg": "mpeg2video"}.get(suffix, "libx264")
    sound = {".mts": "ac3", ".mpg": "mp2", ".avi": "pcm_s16le"}.get(suffix, "aac")
    frames = [np.roll(np.repeat(np.repeat(PIXELS, 4, 0), 4, 1), i, 1) for i in range(4)]
    source = film(folder / f"film{suffix}", frames, codec=codec, sound=sound, metadata={"title": "T"})
    data, path, out = source.read_bytes(), folder / f"bad{suffix}", folder / "out.mp4"

    def turned(pixels: Array) -> Array:
        return 255 - pixels

    @given(HARMS)
    @fuzzed(15)
    def run(harms: list[Harm]) -> None:
        path.write_bytes(harmed(data, harms))
        with refused_or_done():
            clip = clip_reader.clip(path, max_pixels=1_000_000)
            assert clip.time_base > Fraction(0)
            line = ClipStylizer(turned, 1.0)
            how: dict[str, Any] = {"private": True, "resume": False, "force": True, "progress": SILENT}
            resume.process_clip(clip, out, line, STEP, **how)
            with av.open(str(out)) as container:
                assert container.streams.video

    run()
