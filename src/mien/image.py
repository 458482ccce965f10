"""Read and write photos, losing nothing that the file carried. The only file that imports Pillow.

    read(path)          JPEG, PNG, WebP, TIFF, HEIC -> Photo, upright, 8 or 16 bits
    write(photo, path)  JPEG, PNG, WebP, TIFF by the suffix; what was done to the photo becomes its label

Of a file with several pictures (animation, pages) the first is read. What cannot be kept is the profile of a picture that is not RGB (CMYK, grey):
its pixels are converted to sRGB instead, or, at 16 bits, taken as they are.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import secrets
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from . import provenance
from .errors import InputError, OutputError, RequestError
from .types import Array, Origin, Photo

MAX_PIXELS = 200_000_000
READABLE = "JPEG, PNG, WebP, TIFF or HEIC"
SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
SIDES = {"JPEG": 65500, "WEBP": 16383}  # the longest side that a format can hold
# At 95 without chroma subsampling a JPEG's loss is below what is seen on skin and lips, at a third of the size of 100.
QUALITY, SUBSAMPLING = 95, 0
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

# Opened by class and not by Image.open: that has a limit of its own in a global, and tries formats that nobody asked for.
OPENERS: dict[str, Any] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
}

# what a file is by its first bytes: a pattern, and an opener's name or words for the error
MAGIC = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"II\*\0|MM\0\*", "TIFF"),
    (rb"....ftyp(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1)", "HEIF"),
    (rb"....ftypavi[fs]", "an AVIF picture"),
    (rb"....ftypqt", "a QuickTime video"),
    (rb"....ftyp", "an MP4 video"),
    (rb"GIF8", "a GIF picture"),
    (rb"BM", "a BMP picture"),
    (rb"8BPS", "a Photoshop document"),
    (rb"%PDF", "a PDF"),
    (rb"PK\x03\x04", "a ZIP archive"),
    (rb"\x1f\x8b", "a gzip archive"),
    (rb"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
    (rb"RIFF....AVI ", "an AVI video"),
    (rb"(?:\xef\xbb\xbf)?\s*<svg", "an SVG drawing"),
    (rb"(?:\xef\xbb\xbf)?\s*<", "an HTML or XML file"),
    (rb"[\t\n\r\x20-\x7e\x80-\xff]+\Z", "a text file"),
)


# ---- reading


def read(path: str | os.PathLike[str], *, max_pixels: int = MAX_PIXELS) -> Photo:
    """The photo in a file: pixels `[H, W, 3]` RGB uint8 or uint16, turned upright; opacity apart.

    `InputError` where the file is missing, not a picture, damaged, or has more than `max_pixels` (told from its header, before anything is decoded).
    """
    path = Path(path)
    with _opened(path) as file:
        kind = _kind(path, file)
        with _damage(path, "is damaged"):
            picture = _opener(path, kind)(file)
        width, height = picture.size
        if width * height > max_pixels:
            raise InputError(
                f"{path} has {width} x {height} = {width * height} pixels, more than the limit of {max_pixels}: raise it with --max-pixels {width * height}"
            )
        origin = _origin(path, kind, picture)
        pixels, icc = _decode(path, kind, file, picture)
    turn = _turn(picture) if kind != "HEIF" else 1  # libheif has turned the pixels already
    if turn > 1:
        pixels = _upright(pixels, turn)
    opacity = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    return Photo(pixels if opacity is None else np.ascontiguousarray(pixels[..., :3]), opacity, origin=_with_icc(origin, icc))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder: a {READABLE} file was wanted")
        file = path.open("rb")
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    with file:
        yield file


def _kind(path: Path, file: BinaryIO) -> str:
    """The name of the opener, by the first bytes and not by the suffix."""
    head = file.read(512)
    file.seek(0)
    found = next((name for pattern, name in MAGIC if re.match(pattern, head, re.DOTALL)), None)
    if found in (*OPENERS, "HEIF"):
        return str(found)
    said = "is empty" if not head else f"is {found}" if found else "is not a picture"
    raise InputError(f"{path} {said}: a {READABLE} file was wanted")


def _opener(path: Path, kind: str) -> Any:
    if kind != "HEIF":
        return OPENERS[kind]
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise InputError(f'{path} is a HEIC picture, and what reads those is not installed: pip install "mien[heif]"') from error
    return HeifImageFile


@contextlib.contextmanager
def _damage(path: Path, said: str) -> Iterator[None]:
    """Decoders meet damaged data with any exception at all; here it is always the file's fault."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise InputError(f"{path} {said} ({str(error).strip() or type(error).__name__}): nothing was written, get the file again") from error


def _decode(path: Path, kind: str, file: BinaryIO, picture: Image.Image) -> tuple[Array, bytes | None]:
    """Pixels `[H, W, 3 or 4]`, not yet turned, and the profile that still fits them."""
    size = os.fstat(file.fileno()).st_size
    if kind == "WEBP" or _is_deep(kind, file, picture):
        _whole(path, kind, file, picture, size)
    icc: bytes | None = picture.info.get("icc_profile")
    if _is_deep(kind, file, picture):
        file.seek(0)
        with _damage(path, "is damaged"):
            pixels = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
            if pixels is None:
                raise ValueError("its data cannot be decoded")
            return _rgb16(pixels), icc if icc and icc[16:20] == b"RGB " else None
    try:
        picture.load()
    except Exception as error:
        raise InputError(_truncated(path, kind, str(error), size)) from error
    with _damage(path, "cannot be converted to RGB"):
        picture, icc = _rgb(path, picture, icc)
        return _array(picture), icc
