"""Write photos the way they were read: depth, colour profile, EXIF, XMP and a JPEG's tables; a photo with a
history gets its label."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, TiffImagePlugin

from ..arguments import checked
from ..errors import OutputError, RequestError
from ..types import Array, Origin, Photo
from . import captions, declarations, notice, outputs, privacy, watermark, xmp_packet
from . import content_credentials as provenance
from .exif import fields, sized
from .photo_reader import check_pixels

SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
JPEG_XMP = 65504  # bytes of XMP in a JPEG's segment
SIDES = {"JPEG": 65500, "WEBP": 16383}  # the longest side that a format can hold
# At 95 without chroma subsampling a JPEG's loss is below what is seen on skin and lips, at a third of the
# size of 100.
QUALITY, SUBSAMPLING = 95, 0


@checked
def write(
    photo: Photo,
    path: str | os.PathLike[str],
    *,
    quality: int | None = None,
    private: bool = False,
    force: bool = False,
) -> None:
    """Write `photo` in the format that the suffix of `path` names; a photo with a history gets a label.

    `quality` 1..100 is for JPEG and WebP. Without it a JPEG that was read from a JPEG keeps that one's tables
    and subsampling, and others get 95 (JPEG without chroma subsampling). 16 bits are kept by PNG and TIFF and
    rounded to 8 by the others. private: leave out where the photo was taken and with which device; the label stays.
    `OutputError` where the file exists (or is the photo's own source) and `force`
    is not set, or cannot be written; then nothing is left behind.
    """
    path = Path(path)
    check_pixels(photo)
    form = target(path, source=photo.origin.path, quality=quality, force=force)
    _check_fits(photo, path, form)
    if private:
        photo = replace(photo, origin=privacy.minimised(photo.origin))
    photo, bits = _marked(_described(photo))
    xmp = photo.origin.xmp
    encode = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "TIFF": _tiff}[form]
    try:
        data = encode(photo, quality, xmp)
    except ValueError as error:  # Pillow: a profile or EXIF that is too long for the format
        raise OutputError(
            f"{path}: what the photo carries does not fit into this format ({error}): write a .png"
        ) from error
    if provenance.wants_label(photo.history, photo.origin):
        labelled = io.BytesIO()
        kind = f"image/{form.lower()}"
        provenance.sign(io.BytesIO(data), labelled, kind, photo.history, photo.origin, bits)
        data = labelled.getbuffer()
    outputs.write(path, data, force=force)


def lost(origin: Origin, path: Path) -> tuple[str, ...]:
    """What is lost of a photo's file in one that is to be written, in words: what was left out when it was read, and what
    the new format has no place for."""
    form = SUFFIXES.get(path.suffix.lower(), "")
    carried = {
        "captions (IPTC)": origin.iptc and form not in ("JPEG", "TIFF"),
        "comment": origin.comment and form not in ("JPEG", "PNG"),
        "text (PNG)": origin.texts and form != "PNG",
    }
    return (*origin.left_out, *(what for what, is_lost in carried.items() if is_lost))


def _described(photo: Photo) -> Photo:
    """The photo with what its file says of it as it is now."""
    origin, size = photo.origin, photo.size
    packet = declarations.xmp(origin.xmp, photo.history) if photo.history else origin.xmp
    return replace(
        photo,
        origin=replace(
            origin,
            exif=sized(origin.exif, size) if origin.exif else None,
            xmp=xmp_packet.sized(packet, size) if packet else None,
        ),
    )


def _marked(photo: Photo) -> tuple[Photo, str]:
    """The photo with a mark in the pixels of each face that was changed or made, and with the words that a step wants in
    a corner; and the mark's bits, none where no face was."""
    bits = ""
    if photo.marks:
        said = watermark.bits_of(photo.history, b"".join(one.grey.tobytes() for one in photo.marks))
        photo = replace(photo, pixels=watermark.lay(photo.pixels, photo.marks, said))
        bits = watermark.as_text(said)
    if words := notice.words_of(photo.history):
        seen = None if photo.opacity is None else notice.uncovered(photo.opacity, words, photo.boxes)
        photo = replace(photo, pixels=notice.drawn(photo.pixels, words, photo.boxes), opacity=seen)
    return photo, bits


def target(path: Path, *, source: str | None, quality: int | None, force: bool) -> str:
    """The format that will be written, after refusing all that can be refused before there is a photo."""
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise OutputError(
            f"{path}: the suffix {path.suffix!r} names no format that mien writes: use one of {' '.join(SUFFIXES)}"
        )
    check_quality(quality)
    if not force and path.exists() and source and Path(source).exists() and path.samefile(source):
        raise OutputError(f"{path} is the input: choose another name with -o, or write over it with --force")
    outputs.check_free(path, force)
    return form


def check_quality(quality: int | None) -> None:
    """Refuse a quality of JPEG and WebP that there is not."""
    if quality is not None and (type(quality) is not int or not 1 <= quality <= 100):
        raise RequestError(f"quality {quality!r} came: a whole number from 1 to 100 was wanted")


def _check_fits(photo: Photo, path: Path, form: str) -> None:
    """Refuse a photo that the format cannot hold."""
    if max(photo.size) > SIDES.get(form, max(photo.size)):
        raise OutputError(
            f"{path}: {form} holds at most {SIDES[form]} pixels a side and the photo has {max(photo.size)}: write a .png or .tif"
        )
    opacity = photo.opacity
    if form == "JPEG" and opacity is not None and opacity.min() < np.iinfo(opacity.dtype).max:
        raise OutputError(
            f"{path}: the photo is transparent in places, which JPEG cannot hold: write a .png, .webp or .tif"
        )


def rounded_to_8_bits(array: Array) -> Array:
    """16 bits rounded to 8."""
    return array if array.dtype == np.uint8 else ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _pillow(
    photo: Photo, form: str, xmp: bytes | None, pixels: Array, exif: bytes | None, **options: Any
) -> bytes:
    file, origin = io.BytesIO(), photo.origin
    carried = {"icc_profile": origin.icc, "exif": exif, "xmp": xmp, "dpi": origin.dpi}
    Image.fromarray(pixels).save(
        file, form, **{name: value for name, value in carried.items() if value}, **options
    )
    return file.getvalue()


def _jpeg(photo: Photo, quality: int | None, xmp: bytes | None) -> bytes:
    origin = photo.origin
    options: dict[str, Any] = {
        "quality": quality or QUALITY,
        "subsampling": SUBSAMPLING if origin.subsampling is None else origin.subsampling,
    }
    if quality is None and origin.quantisation and max(map(max, origin.quantisation.values())) < 256:
        options = {"qtables": origin.quantisation, "subsampling": options["subsampling"]}
    if origin.iptc:
        options["extra"] = captions.segments(origin.iptc)
    if origin.comment:
        options["comment"] = origin.comment
    exif = b"Exif\0\0" + origin.exif if origin.exif else None
    xmp = xmp_packet.shortened(xmp, JPEG_XMP) if xmp else None
    return _pillow(photo, "JPEG", xmp, rounded_to_8_bits(photo.pixels), exif, **options)


def _webp(photo: Photo, quality: int | None, xmp: bytes | None) -> bytes:
    pixels = (
        rounded_to_8_bits(photo.pixels)
        if photo.opacity is None
        else np.dstack([rounded_to_8_bits(photo.pixels), rounded_to_8_bits(photo.opacity)])
    )
    return _pillow(photo, "WEBP", xmp, pixels, photo.origin.exif, quality=quality or QUALITY)


def _png(photo: Photo, quality: int | None, xmp: bytes | None) -> bytes:
    """OpenCV writes the pixels at either depth, and quicker than Pillow; the chunks for the rest are put
    behind its IHDR."""
    origin = photo.origin
    pixels = (
        photo.pixels[..., ::-1]
        if photo.opacity is None
        else np.dstack([photo.pixels[..., ::-1], photo.opacity])
    )
    data = cv2.imencode(".png", np.ascontiguousarray(pixels))[1].tobytes()
    chunks = b""
    if origin.icc:
        chunks += captions.chunk(b"iCCP", b"ICC\0\0" + zlib.compress(origin.icc))
    if origin.dpi:
        chunks += captions.chunk(
            b"pHYs", struct.pack(">IIB", *(round(dpi / 0.0254) for dpi in origin.dpi), 1)
        )
    if origin.exif:
        chunks += captions.chunk(b"eXIf", origin.exif)
    if xmp:
        chunks += captions.chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    if origin.comment:
        chunks += captions.chunk(b"tEXt", b"Comment\0" + origin.comment.replace(b"\0", b" "))
    chunks += b"".join(captions.chunk(text[:4], text[4:]) for text in origin.texts)
    return data[:33] + chunks + data[33:]


def _tiff(photo: Photo, quality: int | None, xmp: bytes | None) -> bytes:
    """One deflated strip for every 64 rows, before them the tags by Pillow's own writer: it has no 16-bit
    RGB, and OpenCV no profile."""
    origin, (width, height) = photo.origin, photo.size
    pixels = photo.pixels if photo.opacity is None else np.dstack([photo.pixels, photo.opacity])
    pixels = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    channels, bits = pixels.shape[2], pixels.dtype.itemsize * 8
    strips = [zlib.compress(_predicted(pixels[top : top + 64]).tobytes(), 1) for top in range(0, height, 64)]
    ends = np.cumsum([0, *map(len, strips)]).tolist()  # Pillow adds where the tags end
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    if origin.exif:
        exif = Image.Exif()
        with contextlib.suppress(Exception):  # damaged EXIF is none
            exif.load(origin.exif)
        about, folders = fields(exif)
        for tag, value in about.items():
            tags[tag] = value
        for folder, values in folders.items():
            tags.tagtype[folder] = 4
            tags[folder] = values
    fixed: dict[int, Any] = {
        256: width,
        257: height,
        258: (bits,) * channels,
        259: 8,
        262: 2,
        277: channels,
        278: 64,
        284: 1,
        317: 2,
    }
    fixed |= {273: tuple(ends[:-1]), 279: tuple(map(len, strips))} | ({338: 2} if channels == 4 else {})
    fixed |= {282: origin.dpi[0], 283: origin.dpi[1], 296: 2} if origin.dpi else {}
    fixed |= ({34675: origin.icc} if origin.icc else {}) | ({700: xmp} if xmp else {})
    fixed |= {34377: origin.iptc} if origin.iptc else {}
    for tag, value in fixed.items():
        tags[tag] = value
    tags.tagtype[273] = tags.tagtype[279] = 4  # unsigned 32 bits
    return b"".join([b"II*\0\x08\0\0\0", tags.tobytes(8), *strips])


def _predicted(strip: Array) -> Array:
    """TIFF's predictor 2: each sample as its difference from the one to the left."""
    out = strip.copy()
    out[:, 1:] -= strip[:, :-1]
    return out
