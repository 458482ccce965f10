"""Photos in and out: what a file carries survives, what is wrong with it is said in one line, and nothing
half-written is left."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin, features

from mien import verify
from mien.errors import InputError, OutputError, RequestError
from mien.io import clip_reader, photo_writer
from mien.io import photo_reader as image
from mien.types import Array, Origin, Photo

HEIGHT, WIDTH = 96, 130
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"></rdf:RDF></x:xmpmeta>'


def pixels(depth: int = 8, height: int = HEIGHT, width: int = WIDTH) -> Array:
    """A gradient with noise."""
    y, x = np.mgrid[:height, :width] / (height, width)[0]
    smooth = np.stack([x / x.max(), y, (x / x.max() + y) / 2], axis=-1) * 0.9
    noisy = smooth + np.random.default_rng(0).uniform(0, 0.1, smooth.shape)
    return (noisy * (2**depth - 1)).astype(np.uint8 if depth == 8 else np.uint16)


def opacity(depth: int = 8) -> Array:
    return np.ascontiguousarray(pixels(depth)[..., 0])


def exif(turn: int = 1) -> Image.Exif:
    """EXIF with a camera, a time and a place."""
    data = Image.Exif()
    data[0x0112], data[0x010F] = turn, "Maker"
    data.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    data.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 15.0)})
    return data


def described(blob: bytes | None) -> tuple[object, ...]:
    """What `exif` put in: camera, time, place, turn."""
    data = Image.Exif()
    data.load(blob or b"")
    return (
        data.get(0x010F),
        data.get_ifd(0x8769).get(0x9003),
        data.get_ifd(0x8825).get(2),
        data.get(0x0112, 1),
    )


DESCRIBED = ("Maker", "2020:01:02 03:04:05", (52.0, 30.0, 15.0), 1)


# ---- what a file carries


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("transparent", [False, True])
def test_lossless_formats_keep_everything(tmp_path: Path, suffix: str, depth: int, transparent: bool):
    origin = Origin(icc=ICC, exif=exif().tobytes()[6:], xmp=XMP, dpi=(300.0, 300.0))
    photo = Photo(pixels(depth), opacity(depth) if transparent else None, origin=origin)
    photo_writer.write(photo, tmp_path / f"a{suffix}")
    back = image.read(tmp_path / f"a{suffix}")
    assert back.pixels.dtype == photo.pixels.dtype and np.array_equal(back.pixels, photo.pixels)
    assert np.array_equal(back.opacity, photo.opacity) if transparent else back.opacity is None  # type: ignore[arg-type]
    assert back.origin.icc == ICC and back.origin.xmp == XMP and described(back.origin.exif) == DESCRIBED
    assert back.origin.dpi == pytest.approx((300, 300), abs=0.01) and back.origin.path == str(
        tmp_path / f"a{suffix}"
    )


def test_tiff_is_read_by_others(tmp_path: Path):
    tifffile = pytest.importorskip("tifffile")
    photo_writer.write(Photo(pixels(16), origin=Origin(icc=ICC)), tmp_path / "a.tif")
    assert np.array_equal(tifffile.imread(tmp_path / "a.tif"), pixels(16))
    assert np.array_equal(cv2.imread(str(tmp_path / "a.tif"), cv2.IMREAD_UNCHANGED)[..., ::-1], pixels(16))  # pyright: ignore


@pytest.mark.parametrize("suffix", [".jpg", ".webp"])
def test_lossy_formats_keep_what_is_carried(tmp_path: Path, suffix: str):
    photo = Photo(pixels(16), origin=Origin(icc=ICC, exif=exif().tobytes()[6:], xmp=XMP, dpi=(300.0, 300.0)))
    photo_writer.write(photo, tmp_path / f"a{suffix}")
    back = image.read(tmp_path / f"a{suffix}")
    assert back.origin.icc == ICC and back.origin.xmp == XMP and described(back.origin.exif) == DESCRIBED
    assert np.abs(back.pixels.astype(int) - pixels(16) / 257).mean() < 8


def test_sixteen_bits_are_rounded(tmp_path: Path):
    ramp = np.arange(65536, dtype=np.uint16)
    assert np.array_equal(photo_writer.rounded_to_8_bits(ramp), np.round(ramp / 257).astype(np.uint8))


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("turn", range(1, 9))
def test_turns_are_undone_and_reset(tmp_path: Path, form: str, turn: int):
    upright = Image.fromarray(cv2.GaussianBlur(pixels(), (0, 0), 2))
    undo = {
        2: 0,
        3: 3,
        4: 1,
        5: 5,
        6: 2,
        7: 6,
        8: 4,
    }  # the turn's number -> the PIL transposition that lies the picture down that way
    lying = upright.transpose(Image.Transpose(undo[turn])) if turn > 1 else upright
    file = tmp_path / "a"
    lying.save(file, form, exif=exif(turn), **({"lossless": True} if form == "WEBP" else {}))
    photo = image.read(file)
    assert photo.size == upright.size
    assert np.abs(photo.pixels.astype(int) - np.asarray(upright)).mean() < (2 if form == "JPEG" else 0.01)
    assert described(photo.origin.exif)[3] == 1
    photo_writer.write(photo, tmp_path / "b.jpg")
    assert image.read(tmp_path / "b.jpg").size == upright.size


@pytest.mark.parametrize("turn", range(1, 9))
def test_turns_of_16_bit_tiff(tmp_path: Path, turn: int):
    tifffile = pytest.importorskip("tifffile")
    upright = pixels(16)
    lying = upright.transpose(1, 0, 2) if turn >= 5 else upright
    if turn in (2, 3, 7, 8):
        lying = lying[:, ::-1]
    if turn in (3, 4, 6, 7):
        lying = lying[::-1]
    tifffile.imwrite(
        tmp_path / "a.tif",
        np.ascontiguousarray(lying),
        photometric="rgb",
        extratags=[(274, "H", 1, turn, True)],
    )
    assert np.array_equal(image.read(tmp_path / "a.tif").pixels, upright)


@pytest.mark.parametrize("quality", [40, 75, 93])
@pytest.mark.parametrize("subsampling", [0, 1, 2])
def test_jpeg_keeps_its_tables(tmp_path: Path, quality: int, subsampling: int):
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", quality=quality, subsampling=subsampling)
    photo_writer.write(image.read(tmp_path / "a.jpg"), tmp_path / "b.jpg")
    source, target = (image.read(tmp_path / name).origin for name in ("a.jpg", "b.jpg"))
    assert (
        target.quantisation == source.quantisation and target.subsampling == source.subsampling == subsampling
    )
    assert _tables(tmp_path / "a.jpg") == _tables(tmp_path / "b.jpg")


def _tables(path: Path) -> list[bytes]:
    """The DQT segments as they lie in the file, so that their order counts."""
    data, at, found = path.read_bytes(), 2, []
    while data[at + 1] != 0xDA:
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xDB:
            found.append(data[at + 4 : at + 2 + length])
        at += 2 + length
    return found


def test_jpeg_quality_overrides(tmp_path: Path):
    photo_writer.write(Photo(pixels()), tmp_path / "a.jpg")
    photo_writer.write(image.read(tmp_path / "a.jpg"), tmp_path / "b.jpg", quality=30)
    default, lower = (image.read(tmp_path / name).origin for name in ("a.jpg", "b.jpg"))
    assert (
        default.quantisation and lower.quantisation and lower.quantisation[0][5] > default.quantisation[0][5]
    )
    assert default.subsampling == 0


def test_exif_thumbnail_is_blanked_and_notes_stay_where_they_are(tmp_path: Path):
    """IFD0 with a turn, IFD1 with a JPEG thumbnail, and an unreferenced note whose offset must not move."""
    thumbnail, note = b"\xff\xd8face\xff\xd9", b"a maker's note"
    second = 8 + 2 + 12 + 4 + len(note)
    start = second + 2 + 24 + 4
    blob = (
        b"MM\0*\0\0\0\x08\0\x01"
        + bytes.fromhex("011200030000000100060000")
        + second.to_bytes(4, "big")
        + note
    )
    blob += b"\0\x02" + bytes.fromhex("0201000400000001") + start.to_bytes(4, "big")
    blob += bytes.fromhex("0202000400000001") + len(thumbnail).to_bytes(4, "big") + bytes(4) + thumbnail
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", exif=b"Exif\0\0" + blob)
    photo = image.read(tmp_path / "a.jpg")
    kept = photo.origin.exif or b""
    assert photo.size == (HEIGHT, WIDTH) and described(kept)[3] == 1
    assert len(kept) == len(blob) and kept.index(note) == blob.index(note) and b"face" not in kept


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK", "I;16", "PA"])
def test_other_modes_become_rgb(tmp_path: Path, mode: str):
    grey = np.repeat(pixels()[..., :1], 3, axis=2)
    if mode == "I;16":
        picture = Image.fromarray(grey[..., 0].astype(np.uint16) * 257)
    elif mode == "PA":
        picture = Image.fromarray(grey).quantize(64)
        picture.info["transparency"] = 3
    else:
        picture = Image.fromarray(grey).convert("RGBA" if mode == "LA" else mode).convert(mode)
    picture.save(tmp_path / "a", "TIFF" if mode == "CMYK" else "PNG")
    photo = image.read(tmp_path / "a")
    if mode != "PA":
        assert np.array_equal(image.as_photo(picture).pixels, photo.pixels), "in memory as in a file"
    assert photo.pixels.shape == (HEIGHT, WIDTH, 3) and photo.pixels.dtype == (
        np.uint16 if mode == "I;16" else np.uint8
    )
    assert (photo.opacity is not None) == (mode in ("LA", "PA"))
    scale = 257 if mode == "I;16" else 1
    assert np.abs(photo.pixels / scale - grey).mean() < {"1": 130, "P": 20}.get(mode, 8)


def test_grey_profile_is_used_up(tmp_path: Path):
    """A grey profile on RGB pixels would be an invalid file."""
    profile = bytearray(ICC)
    profile[16:20] = b"GRAY"
    Image.fromarray(opacity()).save(tmp_path / "a.png", icc_profile=bytes(profile))
    assert image.read(tmp_path / "a.png").origin.icc is None


@pytest.mark.parametrize("dpi", [(2e9, 72), (72, 0), (-300, 300), (float("nan"), 72), (float("inf"), 72)])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_a_resolution_that_no_format_holds_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dpi: tuple[float, float], suffix: str
):
    Image.fromarray(pixels()).save(tmp_path / "a.png", dpi=(300, 300))
    load = PngImagePlugin.PngImageFile.load
    monkeypatch.setattr(
        PngImagePlugin.PngImageFile, "load", lambda self: (self.info.update(dpi=dpi), load(self))[1]
    )
    photo = image.read(tmp_path / "a.png")
    assert photo.origin.dpi is None
    photo_writer.write(photo, tmp_path / f"b{suffix}")


def test_tags_of_odd_types_are_left_out_of_a_tiff(tmp_path: Path):
    """A text where a fraction belongs, as files hold them: Pillow writes none, so the tags' numbers are put in
    afterwards."""
    odd = exif()
    odd.get_ifd(0x8769)[0xFDE8] = "a while"
    odd.get_ifd(0x8825)[0xFDE9] = "east"
    blob = odd.tobytes()
    assert blob.count(b"\xfd\xe8") == blob.count(b"\xfd\xe9") == 1
    blob = blob.replace(b"\xfd\xe8", b"\x82\x9a").replace(b"\xfd\xe9", b"\x00\x0f")
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", exif=blob)
    for first, second in (("a.jpg", "b.tif"), ("b.tif", "c.tif"), ("c.tif", "d.jpg")):
        photo_writer.write(image.read(tmp_path / first), tmp_path / second)
        assert described(image.read(tmp_path / second).origin.exif) == DESCRIBED


def test_cmyk_jpeg(tmp_path: Path):
    Image.fromarray(pixels()).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    photo = image.read(tmp_path / "a.jpg")
    assert photo.origin.quantisation is None and np.abs(photo.pixels.astype(int) - pixels()).mean() < 8


def test_heic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    heif = pytest.importorskip("pillow_heif")
    lying = Image.fromarray(cv2.GaussianBlur(pixels(), (0, 0), 2)).transpose(Image.Transpose.ROTATE_90)
    heif.from_pillow(lying).save(tmp_path / "a.heic", quality=95, exif=exif(6).tobytes())
    photo = image.read(tmp_path / "a.heic")
    assert (
        photo.size == (WIDTH, HEIGHT)
        and described(photo.origin.exif) == DESCRIBED
        and photo.origin.format == "HEIF"
    )
    photo_writer.write(photo, tmp_path / "a.jpg")
    assert image.read(tmp_path / "a.jpg").size == (WIDTH, HEIGHT)
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(InputError, match=r"pip install .*mien\[heif\]"):
        image.read(tmp_path / "a.heic")


@pytest.mark.skipif(not features.check("avif"), reason="this Pillow knows no AVIF")
@pytest.mark.parametrize("brand", [b"avif", b"mif1"])
def test_avif(tmp_path: Path, brand: bytes):
    lying = Image.fromarray(cv2.GaussianBlur(pixels(), (0, 0), 2)).transpose(Image.Transpose.ROTATE_90)
    lying.save(tmp_path / "a.avif", quality=95, exif=exif(6), xmp=XMP)
    data = (tmp_path / "a.avif").read_bytes()
    (tmp_path / "a.avif").write_bytes(data[:8] + brand + data[12:])
    photo = image.read(tmp_path / "a.avif")
    assert photo.size == (WIDTH, HEIGHT) and photo.origin.xmp == XMP and photo.origin.format == "AVIF"
    assert described(photo.origin.exif) == DESCRIBED
    assert np.abs(photo.pixels.astype(int) - cv2.GaussianBlur(pixels(), (0, 0), 2)).mean() < 4


def test_bmp_and_big_tiff(tmp_path: Path):
    tifffile = pytest.importorskip("tifffile")
    Image.fromarray(pixels()).save(tmp_path / "a.bmp")
    assert np.array_equal(image.read(tmp_path / "a.bmp").pixels, pixels())
    for depth in (8, 16):
        tifffile.imwrite(tmp_path / "a.tif", pixels(depth), photometric="rgb", bigtiff=True)
        assert np.array_equal(image.read(tmp_path / "a.tif").pixels, pixels(depth))


def test_floats_are_not_called_damaged(tmp_path: Path):
    tifffile = pytest.importorskip("tifffile")
    for some, kind in ((pixels(), "rgb"), (pixels()[..., 0], "minisblack")):
        tifffile.imwrite(tmp_path / "a.tif", some.astype(np.float32), photometric=kind)
        with pytest.raises(InputError, match="save it as a 16-bit TIFF"):
            image.read(tmp_path / "a.tif")


# ---- what cannot be read


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"%PDF-1.7 \n", "a PDF"),
        (b"PK\x03\x04\0\0", "a ZIP archive"),
        (b"hello, world\n", "a text file"),
        (b"\0\0\0\x18ftypisom\0\0", "an MP4 video"),
        (b"GIF89a\0\0", "a GIF picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b"\xff\x0a\xfa", "a JPEG XL picture"),
        (b"BM and others\n", "a text file"),
        (b"\x01\x02\x03\x04\x05", "not a picture"),
    ],
)
def test_not_a_picture(tmp_path: Path, content: bytes, said: str):
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(InputError, match=said):
        image.read(tmp_path / "a.jpg")


def test_missing_and_folder(tmp_path: Path):
    with pytest.raises(InputError, match="no such file"):
        image.read("a\0b.jpg")
    with pytest.raises(InputError, match="no such file"):
        image.read(tmp_path / "a.jpg")
    with pytest.raises(InputError, match="is a folder"):
        image.read(tmp_path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_too_many_pixels(tmp_path: Path, suffix: str):
    photo_writer.write(Photo(pixels()), tmp_path / f"a{suffix}")
    with pytest.raises(InputError, match=f"--max-pixels {WIDTH * HEIGHT}"):
        image.read(tmp_path / f"a{suffix}", max_pixels=WIDTH * HEIGHT - 1)
    assert image.read(tmp_path / f"a{suffix}", max_pixels=WIDTH * HEIGHT).size == (WIDTH, HEIGHT)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path: Path):
    os.mkfifo(tmp_path / "a.jpg")
    for read in (image.read, clip_reader.clip, verify):
        with pytest.raises(InputError, match="is a pipe"):
            read(tmp_path / "a.jpg")


@pytest.mark.parametrize(("depth", "transparent", "times"), [(8, True, 4), (16, False, 6), (16, True, 8)])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_more_bytes_a_pixel_count_for_more(
    tmp_path: Path, suffix: str, depth: int, transparent: bool, times: int
):
    photo_writer.write(Photo(pixels(depth), opacity(depth) if transparent else None), tmp_path / f"a{suffix}")
    counted = WIDTH * HEIGHT * times // 3
    with pytest.raises(InputError, match=rf"{times} bytes.*--max-pixels {counted}"):
        image.read(tmp_path / f"a{suffix}", max_pixels=counted - 1)
    assert image.read(tmp_path / f"a{suffix}", max_pixels=counted).size == (WIDTH, HEIGHT)


def test_a_webp_that_pillow_finds_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    photo_writer.write(Photo(pixels()), tmp_path / "a.webp")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(InputError, match="too many pixels for a WebP"):
        image.read(tmp_path / "a.webp")


@pytest.mark.parametrize(
    "harm",
    [
        {"pixels": pixels()[..., 0]},
        {"pixels": np.dstack([pixels(), opacity()])},
        {"pixels": pixels()[:0]},
        {"pixels": pixels() / 255},
        {"pixels": [[[1, 2, 3]]]},
        {"pixels": None},
        {"opacity": pixels()},
        {"opacity": opacity(16)},
        {"opacity": [1]},
    ],
)
def test_a_photo_of_ones_own_that_is_none(tmp_path: Path, harm: dict[str, Any]):
    photo = replace(Photo(pixels()), **harm)
    with pytest.raises(InputError, match="want"):
        image.as_photo(photo)
    with pytest.raises(InputError):
        photo_writer.write(photo, tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("quality", ["9", 9.5, 0, 101, True, float("nan")])
def test_a_quality_that_is_none(tmp_path: Path, quality: Any):
    with pytest.raises(RequestError, match=r"from 1 to 100|wanted a whole number"):
        photo_writer.write(Photo(pixels()), tmp_path / "a.jpg", quality=quality)


def test_a_bomb_is_refused_from_its_header(tmp_path: Path):
    """A PNG that claims 4 gigapixels in 100 bytes."""
    photo_writer.write(Photo(pixels()), tmp_path / "a.png")
    data = (tmp_path / "a.png").read_bytes()
    header = b"IHDR" + (65000).to_bytes(4, "big") * 2 + data[24:29]
    (tmp_path / "b.png").write_bytes(data[:12] + header + zlib.crc32(header).to_bytes(4, "big") + data[33:])
    with pytest.raises(InputError, match="65000 x 65000"):
        image.read(tmp_path / "b.png")


@pytest.mark.parametrize(("suffix", "depth"), [(".jpg", 8), (".png", 8), (".png", 16)])
@pytest.mark.parametrize("part", [0.4, 0.7, 0.9])
def test_truncated_names_the_row(tmp_path: Path, suffix: str, depth: int, part: float):
    photo_writer.write(Photo(pixels(depth)), tmp_path / f"a{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"b{suffix}").write_bytes(data[: int(len(data) * part)])
    with pytest.raises(InputError, match=rf"ends at row \d+ of {HEIGHT}") as caught:
        image.read(tmp_path / f"b{suffix}")
    row = int(str(caught.value).split("row ")[1].split()[0])
    assert abs(row / HEIGHT - part) < 0.25  # the noise makes rows cost about the same, the headers little


@pytest.mark.parametrize(("suffix", "depth"), [(".webp", 8), (".tif", 8), (".tif", 16)])
def test_truncated_elsewhere(tmp_path: Path, suffix: str, depth: int):
    photo_writer.write(Photo(pixels(depth)), tmp_path / f"a{suffix}")
    data = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"b{suffix}").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"truncated|damaged"):
        image.read(tmp_path / f"b{suffix}")


# ---- what cannot be written


def test_refusals_before_any_work(tmp_path: Path):
    photo = Photo(pixels())
    (tmp_path / "old.png").write_bytes(b"old")
    for name, said in (("a.xyz", "jpg"), ("no/a.png", "mkdir -p"), ("old.png", "--force"), ("a", "suffix")):
        with pytest.raises(OutputError, match=said):
            photo_writer.write(photo, tmp_path / name)
    with pytest.raises(OutputError, match="no name for a file"):
        photo_writer.write(photo, "a\0b.jpg")
    with pytest.raises(OutputError, match="transparent"):
        photo_writer.write(Photo(pixels(), opacity()), tmp_path / "a.jpg")
    with pytest.raises(OutputError, match="16383"):
        photo_writer.write(Photo(np.zeros((1, 16384, 3), np.uint8)), tmp_path / "a.webp")
    assert [path.name for path in tmp_path.iterdir()] == ["old.png"] and (
        tmp_path / "old.png"
    ).read_bytes() == b"old"
    photo_writer.write(photo, tmp_path / "old.png", force=True)
    assert np.array_equal(image.read(tmp_path / "old.png").pixels, photo.pixels)


def test_an_opaque_alpha_is_no_loss(tmp_path: Path):
    photo_writer.write(Photo(pixels(), np.full((HEIGHT, WIDTH), 255, np.uint8)), tmp_path / "a.jpg")
    assert image.read(tmp_path / "a.jpg").opacity is None


def test_never_over_the_input_without_force(tmp_path: Path):
    photo_writer.write(Photo(pixels()), tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    for name in ("a.png", "b.png"):
        with pytest.raises(OutputError, match=r"is the input.*--force"):
            photo_writer.write(image.read(tmp_path / "a.png"), tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == before
    photo_writer.write(image.read(tmp_path / "a.png"), tmp_path / "a.png", force=True)
    assert np.array_equal(image.read(tmp_path / "a.png").pixels, pixels())


@pytest.mark.parametrize(
    ("number", "said"),
    [(errno.ENOSPC, r"[\d.]+ [kM]B are wanted and [\d.]+ MB are free"), (errno.EIO, "cannot be written")],
)
def test_a_failed_write_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
):
    def fail(file: int) -> None:
        raise OSError(number, os.strerror(number))

    (tmp_path / "old.png").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OutputError, match=said):
        photo_writer.write(Photo(pixels()), tmp_path / "old.png", force=True)
    assert [path.name for path in tmp_path.iterdir()] == ["old.png"] and (
        tmp_path / "old.png"
    ).read_bytes() == b"old"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is Linux's")
def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = Path.open
    monkeypatch.setattr(
        Path,
        "open",
        lambda path, mode="r": real(Path("/dev/full"), "wb") if mode == "xb" else real(path, mode),
    )
    with pytest.raises(OutputError, match="MB are free"):
        photo_writer.write(Photo(pixels()), tmp_path / "a.png")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_no_permission(tmp_path: Path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        photo_writer.write(Photo(pixels()), tmp_path / "a.png")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_permissions_follow_the_umask(tmp_path: Path):
    before = os.umask(0o027)
    try:
        photo_writer.write(Photo(pixels()), tmp_path / "a.png")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640


def test_pillow_state_is_left_alone(tmp_path: Path):
    from PIL import ImageFile

    limit = Image.MAX_IMAGE_PIXELS
    photo_writer.write(Photo(pixels()), tmp_path / "a.jpg")
    (tmp_path / "b.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:2000])
    with pytest.raises(InputError):
        image.read(tmp_path / "b.jpg")
    assert limit == Image.MAX_IMAGE_PIXELS and ImageFile.LOAD_TRUNCATED_IMAGES is False
    with pytest.raises(OSError):
        Image.open(io.BytesIO((tmp_path / "b.jpg").read_bytes())).load()
