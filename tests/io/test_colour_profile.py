"""Photos in the colours of phones and of editors: they look, and are edited, as in sRGB."""

import io
import struct
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import collins, hopper, kit
from PIL import Image, ImageCms

from mien import InputError, Photo, edit, find, frontalise, read, sketch, stylize, swap, write
from mien.io import captions
from mien.io.colour_profile import Profile, profile_of
from mien.types import Array, Origin
from mien.verbs import draw, grid, identity

P3 = [(0.51512, 0.29198, 0.1571), (0.2412, 0.69225, 0.06657), (-0.00105, 0.04189, 0.78407)]
PROPHOTO = [(0.79767, 0.13519, 0.03135), (0.28804, 0.71188, 0.00009), (0.0, 0.0, 0.82490)]
GAMMA = struct.pack(">4s4xIH", b"curv", 1, round(1.8 * 256))
LIKE_SRGB = struct.pack(
    ">4s4xHxx5i", b"para", 3, *(round(v * 65536) for v in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)
TABLE = struct.pack(">4s4xI64H", b"curv", 64, *(round(65535 * (i / 63) ** 2.2) for i in range(64)))


def icc(matrix: list[tuple[float, float, float]], curve: bytes) -> bytes:
    """A profile with no more in it than matters."""
    columns = [struct.pack(">4s4x3i", b"XYZ ", *(round(row[c] * 65536) for row in matrix)) for c in range(3)]
    tags = [(f"{c}XYZ".encode(), column) for c, column in zip("rgb", columns, strict=True)]
    tags += [(f"{c}TRC".encode(), curve) for c in "rgb"]
    start, table, data = 132 + 12 * len(tags), b"", b""
    for name, part in tags:
        table += struct.pack(">4sII", name, start + len(data), len(part))
        data += part + bytes(-len(part) % 4)
    head = bytes(16) + b"RGB XYZ " + bytes(104)
    return head + struct.pack(">I", len(tags)) + table + data


PROFILES = {"P3": icc(P3, LIKE_SRGB), "ProPhoto": icc(PROPHOTO, GAMMA), "table": icc(PROPHOTO, TABLE)}


def known(name: str) -> Profile:
    profile = profile_of(PROFILES[name])
    assert profile
    return profile


@pytest.mark.parametrize("name", PROFILES)
def test_there_and_back(name: str):
    profile = known(name)
    colours = np.random.default_rng(0).uniform(0.05, 0.95, (200, 3))
    assert profile.to_srgb(profile.from_srgb(colours)) == pytest.approx(colours, abs=2e-3)
    grey = np.linspace(0, 1, 9)[:, None].repeat(3, 1)
    assert np.ptp(profile.to_srgb(grey), axis=1).max() < 5e-3, "grey is grey everywhere"
    pixels = np.random.default_rng(1).integers(0, 256, (70, 9, 3), dtype=np.uint8)
    slow = np.rint(profile.to_srgb(pixels / 255) * 255)
    assert np.abs(profile.picture(pixels) - slow).max() <= 1


def test_p3s_primaries_are_more_than_srgb_has():
    assert known("P3").to_srgb(np.array([1.0, 0, 0])) == pytest.approx([1, 0, 0], abs=1e-3)
    assert known("P3").from_srgb(np.array([1.0, 0, 0])) == pytest.approx([0.9175, 0.2003, 0.1386], abs=3e-3)


def test_what_is_srgb_or_unknown_is_left_alone():
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for bytes_ in (None, b"", b"nonsense", plain, PROFILES["P3"][:150], PROFILES["P3"][:200]):
        assert profile_of(bytes_) is None
    for at in range(128, len(PROFILES["P3"]), 7):
        damaged = bytearray(PROFILES["P3"])
        damaged[at] ^= 0xFF
        profile_of(bytes(damaged))  # whatever it is, it is no crash


@cache
def asked() -> list[tuple[dict[str, Any], Array]]:
    """Edits with a colour in them, and what they do to the sRGB photo."""
    photo = collins()[0]
    wanted: list[dict[str, Any]] = [{"hair": "auburn"}, {"lips": "#b01030"}, {"age": 30.0, "hair_grey": 0.0}]
    return [(one, edit(photo, kit=kit(), **one).pixels.astype(float) - photo.pixels) for one in wanted]


@pytest.mark.parametrize("name", ["P3", "ProPhoto"])
def test_a_colour_is_the_one_that_was_named(name: str):
    profile = known(name)
    deep = np.rint(profile.from_srgb(collins()[0].pixels / 255) * 65535).astype(np.uint16)
    photo = Photo(deep, origin=Origin(icc=PROFILES[name]))
    for request, wanted in asked():
        done = edit(photo, kit=kit(), **request)
        seen = [profile.to_srgb(one.pixels / 65535) * 255 for one in (photo, done)]
        assert np.abs(seen[1] - seen[0] - wanted).mean() < 0.12 * np.abs(wanted).mean(), request
        untouched = (wanted == 0).all(2)
        assert (done.pixels == photo.pixels)[untouched].mean() > 0.99


def wide(photo: Photo) -> Photo:
    """A photo of sRGB in ProPhoto."""
    deep = np.rint(known("ProPhoto").from_srgb(photo.pixels / 255) * 65535).astype(np.uint16)
    return Photo(deep, origin=Origin(icc=PROFILES["ProPhoto"]))


@pytest.mark.parametrize(
    "made",
    [
        lambda photo: frontalise(photo, kit=kit()),
        lambda photo: sketch(photo, seed=1, kit=kit()),
        lambda photo: stylize(photo, "oil", kit=kit()),
        lambda photo: stylize(hopper(), "painting", style=photo, kit=kit()),
        lambda photo: grid([photo]),
        lambda photo: draw(photo, []),
    ],
    ids=("frontalise", "sketch", "stylize", "a style", "grid", "draw"),
)
def test_what_is_made_of_a_photo_looks_the_same_in_every_profile(made: Callable[[Photo], Photo]):
    pictures: list[Array] = []
    for one in (made(collins()[0]), made(wide(collins()[0]))):
        profile, most = profile_of(one.origin.icc), np.iinfo(one.pixels.dtype).max
        pictures.append(255 * (one.pixels / most if profile is None else profile.to_srgb(one.pixels / most)))
    assert np.abs(pictures[1] - pictures[0]).mean() < 2


def test_a_swap_looks_the_same_in_every_profile():
    """Both the photo and the source's picture lie in ProPhoto, and so do they in sRGB."""
    profile = known("ProPhoto")
    plain = swap(hopper(), collins()[0], consent="in a test", kit=kit())
    done = swap(wide(hopper()), wide(collins()[0]), consent="in a test", kit=kit())
    seen = profile.to_srgb(done.pixels / 65535) * 255
    effect = np.abs(plain.pixels.astype(float) - hopper().pixels)
    assert np.abs(seen - plain.pixels).mean() < 0.15 * effect.mean()
    far = cv2.erode((effect == 0).all(2).astype(np.uint8), np.ones((41, 41))) > 0
    assert far.mean() > 0.4 and (done.pixels == wide(hopper()).pixels)[far].all()
    (who,) = find(wide(collins()[0]), kit=kit())
    alike = identity(wide(collins()[0]), who, kit=kit()).likeness(identity(*collins(), kit=kit()))
    assert alike > 0.97


# ---- without a profile of their own


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A small PNG with chunks behind its head."""
    file = io.BytesIO()
    Image.fromarray(hopper().pixels[:48, :40]).save(file, "PNG")
    whole = file.getvalue()
    return whole[:33] + b"".join(captions.chunk(*one) for one in chunks) + whole[33:]


CHRM = struct.pack(">8I", *(round(v * 1e5) for v in (0.3127, 0.329, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)))
GAMA = struct.pack(">I", 45471)


@pytest.mark.parametrize("how", ["R03", "cHRM", "cICP"])
def test_what_a_file_says_of_its_colours_is_a_profile(how: str, tmp_path: Path):
    """And is written as one: Adobe RGB as cameras say it and as numbers, Display P3 by its codes."""
    if how == "R03":
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
        file = io.BytesIO()
        Image.fromarray(hopper().pixels[:48, :40]).save(file, "JPEG", exif=exif)
        data = file.getvalue()
    else:
        data = (
            png((b"gAMA", GAMA), (b"cHRM", CHRM)) if how == "cHRM" else png((b"cICP", bytes((12, 13, 0, 1))))
        )
    photo = read(io.BytesIO(data))
    found = profile_of(photo.origin.icc)
    assert found and photo.origin.icc
    red = found.to_srgb(np.array([0.8, 0.3, 0.3]))
    assert red == pytest.approx(
        [0.8745, 0.2639, 0.2745] if how == "cICP" else [0.9242, 0.2885, 0.2943], abs=0.02
    )
    theirs = ImageCms.ImageCmsProfile(io.BytesIO(photo.origin.icc))
    shown = ImageCms.profileToProfile(Image.fromarray(photo.pixels), theirs, ImageCms.createProfile("sRGB"))
    assert shown is not None
    assert np.abs(np.asarray(shown).astype(int) - found.picture(photo.pixels)).max() <= 2
    out = tmp_path / ("out.jpg" if how == "R03" else "out.png")
    write(photo, out)
    assert read(out).origin.icc == photo.origin.icc


@pytest.mark.parametrize(
    "chunks",
    [
        [],
        [(b"sRGB", b"\0"), (b"gAMA", GAMA), (b"cHRM", CHRM)],
        [(b"gAMA", GAMA)],
        [(b"gAMA", bytes(4)), (b"cHRM", bytes(32))],
        [(b"cHRM", b"\xff" * 32)],
        [(b"cICP", b"\x01\x0d\0\x01")],
        [(b"cICP", b"\x09\x10\0\x01")],
        [(b"cICP", b"")],
    ],
)
def test_srgb_and_nonsense_are_no_profile(chunks: list[tuple[bytes, bytes]]):
    assert profile_of(read(io.BytesIO(png(*chunks))).origin.icc) is None


def test_a_file_that_is_no_file_of_bytes_is_told(tmp_path: Path):
    (tmp_path / "a").write_bytes(png())
    with (tmp_path / "a").open("rb") as closed:
        pass
    for wrong, said in ((io.StringIO("x"), "gives str"), (closed, "cannot be read")):
        with pytest.raises(InputError, match=said):
            read(wrong)  # pyright: ignore[reportArgumentType]
