"""Read photos, losing nothing that the file carries.

    read(path)          JPEG, PNG, WebP, TIFF, AVIF, BMP, HEIC -> Photo, upright, 8 or 16 bits
    as_photo(source)    the same of bytes, open files, arrays and Pillow's pictures, too

Of a file with several pictures (animation, pages) the first is read. What cannot be kept is the profile of a
picture that is not RGB (CMYK, grey): its pixels are converted to sRGB instead, or, at 16 bits, taken as they
are.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    ExifTags,
    Image,
    ImageCms,
    ImageOps,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
    features,
)

from ..arguments import checked
from ..errors import InputError
from ..types import Array, Origin, Photo
from . import captions, inputs, xmp_packet
from .exif import described, prepared
from .implied_profile import brighter_than_white, implied_profile

SAMSUNG = b"SEFT"  # what ends the trailer that its phones write: clips, depth, sound
MPF_COUNT = 0xB001
MAX_PIXELS = 200_000_000
SUFFIXES = {
    ".jpg",
    ".jpeg",
    ".png",
    ".webp",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
    ".avif",
    ".bmp",
}  # of what is read
MAX_DPI = 65535  # what JPEG holds
PhotoLike = Photo | str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | Array | Image.Image
READABLE = "JPEG, PNG, WebP, TIFF, AVIF, BMP or HEIC"

# Opened by class and not by Image.open: that has a limit of its own in a global, and tries formats that
# nobody asked for.
OPENERS: dict[str, Any] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "TIFF": TiffImagePlugin.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
}

PHOTOS = (*OPENERS, "AVIF", "HEIF")

# what a file is by its first bytes: a pattern, and an opener's name or words for the error
MAGIC = (
    (rb"\xff\xd8\xff", "JPEG"),
    (rb"\x89PNG\r\n\x1a\n", "PNG"),
    (rb"RIFF....WEBP", "WEBP"),
    (rb"II[*+]\0|MM\0[*+]", "TIFF"),
    (rb"....ftyp(?:....){0,16}avi[fs]", "AVIF"),
    (rb"....ftyp(?:heic|heix|heim|heis|hevc|hevx|mif1|msf1)", "HEIF"),
    (rb"....ftypqt", "a QuickTime video"),
    (rb"....ftyp", "an MP4 video"),
    (rb"GIF8", "a GIF picture"),
    (rb"BM.{12}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0", "BMP"),
    (rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (rb"\0\0\0\x0cJXL |\xff\x0a", "a JPEG XL picture"),
    (rb"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (rb"8BPS", "a Photoshop document"),
    (rb"%PDF", "a PDF"),
    (rb"PK\x03\x04", "a ZIP archive"),
    (rb"\x1f\x8b", "a gzip archive"),
    (rb"\x1a\x45\xdf\xa3", "a Matroska or WebM video"),
    (rb"RIFF....AVI ", "an AVI video"),
    (rb"\0\0\x01[\xb0-\xbf]|\x47.{187}\x47", "an MPEG video"),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a Windows Media video"),
    (rb"(?:\xef\xbb\xbf)?\s*<svg", "an SVG drawing"),
    (rb"(?:\xef\xbb\xbf)?\s*<", "an HTML or XML file"),
    (rb"[\t\n\r\x20-\x7e\x80-\xff]+\Z", "a text file"),
)


# ---- reading


def as_photo(source: PhotoLike) -> Photo:
    """A photo of whatever shows one: itself, a path, the bytes of a file or an open file, a picture of
    Pillow's, an array `[H, W, 3]` or `[H, W, 4]` RGB(A) or `[H, W]` grey of uint8 or uint16. `InputError` for
    anything else."""
    if isinstance(source, Photo):
        check_pixels(source)
        return source
    if isinstance(source, str | os.PathLike):
        return read(source)
    if isinstance(source, bytes | bytearray | memoryview):
        return read(io.BytesIO(source))
    if isinstance(source, Image.Image):
        return _from_pillow(source)
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if hasattr(source, "read") and hasattr(source, "seek"):
        return read(source)
    raise InputError(
        f"{type(source).__name__} is no picture: wanted a Photo, a path, bytes, a file, an array or a Pillow image"
    )


def check_pixels(photo: Photo) -> None:
    """Refuse a photo of somebody's own making whose pixels are not as `Photo` says."""
    pixels, opacity = (getattr(photo, name) for name in ("pixels", "opacity"))
    _check_array(pixels)
    if pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(
            f"a photo with pixels {list(pixels.shape)} came: wanted [H, W, 3] RGB, opacity apart"
        )
    if opacity is not None and (
        getattr(opacity, "shape", None) != pixels.shape[:2] or opacity.dtype != pixels.dtype
    ):
        raise InputError(
            f"the opacity is no array {list(pixels.shape[:2])} of {pixels.dtype}, as the pixels want"
        )


def _check_array(pixels: Any) -> None:
    if not isinstance(pixels, np.ndarray) or str(pixels.dtype) not in ("uint8", "uint16"):
        came = pixels.dtype if isinstance(pixels, np.ndarray) else type(pixels).__name__
        raise InputError(f"pixels of {came} came: wanted [H, W, 3] RGB of uint8 or uint16")
    if not pixels.size:
        raise InputError("the array is empty: a picture was wanted")


def _from_array(pixels: Array) -> Photo:
    _check_array(pixels)
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)):
        raise InputError(
            f"an array {list(pixels.shape)} of {pixels.dtype} came: wanted [H, W, 3] RGB of uint8 or uint16"
        )
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., None], 3, 2)
    opacity = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    return Photo(np.ascontiguousarray(pixels[..., :3]), opacity)


def _from_pillow(picture: Image.Image) -> Photo:
    try:
        picture = ImageOps.exif_transpose(picture)
        if picture.mode.startswith("I"):  # grey of more than 8 bits
            grey = np.asarray(picture).clip(0, 65535).astype(np.uint16)
            return replace(_from_array(grey), origin=Origin(format=picture.format or "PNG"))
        converted, icc = _rgb(picture, picture.info.get("icc_profile"))
    except Exception as error:  # Pillow converts not every mode, and loads files late
        raise InputError(f"the Pillow image of mode {picture.mode} cannot be read ({error})") from error
    photo = _from_array(_array(converted))
    return replace(photo, origin=Origin(icc=icc, format=picture.format or "PNG"))


@checked
def read(path: str | os.PathLike[str] | BinaryIO, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """The photo in a file, or in one that is open for reading bytes: pixels `[H, W, 3]` RGB uint8 or uint16,
    turned upright; opacity apart.

    `InputError` where the file is missing, not a picture, damaged, or has more than `max_pixels`, which its
    header tells before anything is decoded.
    """
    if not isinstance(path, str | os.PathLike):
        try:
            path.seek(0)
            data: Any = path.read()
        except (OSError, ValueError) as error:  # closed, perhaps
            raise InputError(f"the open file cannot be read ({error})") from error
        if not isinstance(data, bytes):
            raise InputError(f"the open file gives {type(data).__name__}: open it for reading bytes")
        photo = _read("the picture", io.BytesIO(data), None, max_pixels)
        labelled = b"c2pa" in data
        return replace(photo, origin=replace(photo.origin, file=data)) if labelled else photo
    path = Path(path)
    with _opened(path) as file:
        return _read(str(path), file, str(path), max_pixels)


def _read(name: str, file: BinaryIO, path: str | None, max_pixels: int) -> Photo:
    """The photo in an open file; name: what errors call it; path: where it lies, if it does."""
    kind = _kind(name, file)
    opener = _opener(name, kind)
    with _damage(name, "is damaged"):
        picture = opener(file)
    depth = _depth(name, kind, file, picture)
    _check_size(name, picture, depth, max_pixels)
    if kind == "TIFF" and depth == 16:
        _check_tiff(name, file, picture.tag_v2)
    else:
        try:
            picture.load()
        except Exception as error:  # decoders meet damaged data with any exception
            raise _damaged(name, kind, file, error) from error
    with _damage(name, "is damaged"):
        origin = _origin(path, kind, file, picture)
        # libheif and both readers of TIFF turn the pixels themselves
        turn = picture.getexif().get(ExifTags.Base.Orientation, 1) if kind not in ("HEIF", "TIFF") else 1
        pixels, icc = _decode(depth, file, picture)
    if turn in range(2, 9):
        pixels = _upright(pixels, turn)
    opacity = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    return Photo(
        pixels if opacity is None else np.ascontiguousarray(pixels[..., :3]),
        opacity,
        origin=replace(origin, icc=icc),
    )


def _check_size(name: str, picture: Any, depth: int, max_pixels: int) -> None:
    """Refuse what would need too much memory. The limit is of pixels of three bytes: with 16 bits, with opacity or in
    CMYK they count for more."""
    width, height = picture.size
    size = max(4 if picture.has_transparency_data else 3, len(picture.getbands())) * depth // 8
    counted = width * height * size // 3
    if counted > max_pixels:
        heavy = "" if size == 3 else f" of {size} bytes, which count as {counted},"
        raise InputError(
            f"{name} has {width} x {height} pixels{heavy or ','} more than the limit of {max_pixels}: raise it with --max-pixels {counted}"
        )


@contextlib.contextmanager
def _opened(path: Path) -> Generator[BinaryIO]:
    try:
        inputs.check_file(path, f"a {READABLE} file")
        file = path.open("rb")
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    with file:
        yield file


def kind_of(head: bytes) -> str:
    """What a file is by its first bytes: one of PHOTOS, words for another kind, or "" where that is not known."""
    return next((kind for pattern, kind in MAGIC if re.match(pattern, head, re.DOTALL)), "")


def _kind(name: str, file: BinaryIO) -> str:
    """The name of the opener, by the first bytes and not by the suffix."""
    head = file.read(512)
    file.seek(0)
    found = kind_of(head)
    if found in PHOTOS:
        return found
    said = "is empty" if not head else f"is {found}" if found else "is not a picture"
    raise InputError(f"{name} {said}: a {READABLE} file was wanted")


def _opener(name: str, kind: str) -> Any:
    if kind == "AVIF":
        if not features.check("avif"):
            raise InputError(
                f"{name} is an AVIF picture, which this Pillow cannot read: pip install -U pillow"
            )
        return AvifImagePlugin.AvifImageFile
    if kind != "HEIF":
        return OPENERS[kind]
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise InputError(
            f'{name} is a HEIC picture, and what reads those is not installed: pip install "mien[heif]"'
        ) from error
    return HeifImageFile


@contextlib.contextmanager
def _damage(name: str, said: str) -> Generator[None]:
    """Decoders meet damaged data with any exception at all; here it is always the file's fault."""
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        raise _damaged(name, "WebP", io.BytesIO(), error) from error
    except Exception as error:
        if "unknown pixel mode" in str(error):
            raise InputError(
                f"{name} has pixels of a kind that is not read, as floats of 32 bits: save it as a 16-bit TIFF"
            ) from error
        raise InputError(
            f"{name} {said} ({str(error).strip() or type(error).__name__}): nothing was written, get the file again"
        ) from error


def _depth(name: str, kind: str, file: BinaryIO, picture: Any) -> int:
    """8, or 16 for PNG and TIFF, which Pillow would cut down to 8."""
    depth = 8
    if kind == "PNG":
        here = file.tell()
        file.seek(24)  # in IHDR
        depth = file.read(1)[0]
        file.seek(here)
    elif kind == "TIFF":
        depth = max(picture.tag_v2.get(258, (1,)))
    if depth > 8 and depth != 16:
        raise InputError(
            f"{name} has {depth} bits a channel, and 8 or 16 were wanted: save it as a 16-bit TIFF"
        )
    return max(depth, 8)


def _decode(depth: int, file: BinaryIO, picture: Any) -> tuple[Array, bytes | None]:
    """Pixels `[H, W, 3 or 4]`, not yet turned, and the profile that still fits them."""
    icc: bytes | None = picture.info.get("icc_profile") or implied_profile(picture, file)
    if depth == 16:
        file.seek(0)
        return _rgb16(
            cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
        ), icc if _is_rgb(icc) else None
    picture, icc = _rgb(picture, icc)
    return _array(picture), icc


def _check_tiff(name: str, file: BinaryIO, tags: Any) -> None:
    """OpenCV decodes 16 bits, but does not say what is wrong with a file."""
    size = _size(file)
    if tags.get(262) not in (1, 2) or tags.get(284, 1) != 1 or set(tags.get(339, (1,))) != {1}:
        raise InputError(
            f"{name} is a 16-bit TIFF with planes or floats, or neither RGB nor grey: save it as interleaved RGB integers"
        )
    starts, counts = tags.get(273) or tags.get(324) or (), tags.get(279) or tags.get(325) or ()
    if any(start + count > size for start, count in zip(starts, counts, strict=False)):
        raise InputError(
            f"{name} is truncated: its data ends at byte {size}; nothing was written, get the file again"
        )


def _damaged(name: str, kind: str, file: BinaryIO, error: Exception) -> InputError:
    """What to say after a failed load: up to which row or byte there is data, or just that it is damaged."""
    if isinstance(
        error, Image.DecompressionBombError
    ):  # Pillow's own limit for some files, which is a global of its
        return InputError(f"{name} has too many pixels for a {kind} to be read: save it as a PNG")
    again = "nothing was written, get the file again"
    if "trunc" not in str(error).lower():
        return InputError(f"{name} is damaged ({error}): {again}")
    end = f"byte {_size(file)}"
    if kind in ("JPEG", "PNG"):
        file.seek(0)
        with _damage(name, "is damaged"):
            row, height = _decoded_rows(OPENERS[kind](file))
            end = f"row {row} of {height}"
    return InputError(f"{name} is truncated: its data ends at {end}; {again}")


def _size(file: BinaryIO) -> int:
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end


def _decoded_rows(picture: Any) -> tuple[int, int]:
    """How many rows the decoder delivers before it gives up, of how many: what it does not reach keeps the
    colour it is loaded over."""
    bands = len(picture.getbands())
    canvas = Image.new(picture.mode, picture.size, (1, 254, 3, 2)[:bands] if bands > 1 else 253)
    mark = _bands(canvas)[0, 0].copy()
    picture.im = canvas.im
    with contextlib.suppress(Exception):
        picture.load()
    rows = np.flatnonzero((_bands(canvas) != mark).any(axis=(1, 2)))
    return (int(rows[-1]) + 1 if len(rows) else 0), canvas.size[1]


def _bands(picture: Image.Image) -> Array:
    array = np.asarray(picture)
    return array if array.ndim == 3 else array[..., None]


def _is_rgb(icc: bytes | None) -> bool:
    return bool(icc) and icc[16:20] == b"RGB "


def _rgb16(pixels: Array | None) -> Array:
    """What OpenCV decoded (grey, BGR or BGRA) as RGB or RGBA."""
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("its data cannot be decoded")
    codes = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGBA}
    channels = pixels.shape[2] if pixels.ndim == 3 else 1
    return cv2.cvtColor(pixels, codes[channels], pixels if channels > 1 else None)


def _rgb(picture: Image.Image, icc: bytes | None) -> tuple[Image.Image, bytes | None]:
    """The picture as RGB or RGBA. A profile of another colour space is used up in the conversion, to sRGB."""
    if picture.mode in ("RGB", "RGBA"):
        return picture, icc if _is_rgb(icc) else None
    if icc and not _is_rgb(icc) and picture.mode in ("L", "CMYK", "LAB"):
        with contextlib.suppress(ImageCms.PyCMSError):
            source, target = ImageCms.ImageCmsProfile(io.BytesIO(icc)), ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(picture, source, target, outputMode="RGB")
            if converted is not None:
                return converted, None
    return picture.convert("RGBA" if picture.has_transparency_data else "RGB"), icc if _is_rgb(icc) else None


def _array(picture: Image.Image) -> Array:
    """The pixels, copied band by band: `np.asarray` of the whole would hold three more copies for a
    moment."""
    width, height = picture.size
    array = np.empty((height, width, len(picture.getbands())), np.uint8)
    for top in range(0, height, 256):
        array[top : top + 256] = np.asarray(picture.crop((0, top, width, min(top + 256, height))))
    return array


def _upright(pixels: Array, turn: int) -> Array:
    """Undo an EXIF turn of 2..8."""
    if turn >= 5:  # 5 to 8 are 1, 4, 2, 3 of a transposed picture
        pixels, turn = cv2.transpose(pixels), {5: 1, 6: 2, 7: 3, 8: 4}[turn]
    return pixels if turn == 1 else cv2.flip(pixels, {2: 1, 3: -1, 4: 0}[turn])


def _origin(path: str | None, kind: str, file: BinaryIO, picture: Any) -> Origin:
    info = picture.info
    exif = info.get("exif") or described(picture)
    xmp = (
        info.get("xmp")
        or info.get("XML:com.adobe.xmp")
        or (picture.tag_v2.get(700) if kind == "TIFF" else None)
    )
    if isinstance(xmp, str):
        xmp = xmp.encode()
    packet, left_out = xmp_packet.carried(bytes(xmp)) if xmp else (None, ())
    colour = kind == "JPEG" and picture.mode in ("RGB", "L")  # a CMYK picture's tables are for other channels
    sampling = JpegImagePlugin.get_sampling(picture) if colour and picture.mode == "RGB" else -1
    return Origin(
        path=path,
        format=kind,
        exif=prepared(exif) if exif else None,
        xmp=packet,
        quantisation=picture.quantization if colour else None,
        subsampling=sampling if sampling >= 0 else None,
        dpi=_resolution(info.get("dpi")),
        iptc=_resources(kind, picture),
        comment=captions.comment_of(picture.applist) if kind == "JPEG" else None,
        texts=captions.of_png(file) if kind == "PNG" else (),
        left_out=tuple(dict.fromkeys([*left_out, *_parts(kind, file, picture)])),
    )


def _parts(kind: str, file: BinaryIO, picture: Any) -> Iterator[str]:
    """What else is in the file, beside the picture, that XMP need not name."""
    iso_gain_map = b"urn:iso:std:iso:ts:21496:-1"
    mapped = any(data.startswith(iso_gain_map) for _, data in getattr(picture, "applist", ()))
    if mapped or any("hdrgainmap" in name for name in picture.info.get("aux") or ()):
        yield "HDR gain map"
    if picture.info.get("depth_images"):
        yield "depth map"
    if kind == "PNG" and (curve := brighter_than_white(file)):
        yield f"HDR brightness ({curve}): colours are taken for sRGB's"
    more = _pictures(picture) - 1 - mapped
    if more > 0 and kind != "HEIF":
        yield f"{more} more picture{'s' * (more > 1)}, as pages, frames or previews"
    if kind == "JPEG":
        here = file.tell()
        file.seek(-len(SAMSUNG), os.SEEK_END)
        if file.read() == SAMSUNG:
            yield "what a Samsung phone has put behind the picture"
        file.seek(here)


def _pictures(picture: Any) -> int:
    """How many pictures a file says that it holds: frames and pages, and those behind a JPEG (CIPA DC-007, "MPF")."""
    index = TiffImagePlugin.ImageFileDirectory_v2()
    with contextlib.suppress(Exception):  # damaged
        listed = io.BytesIO(picture.info["mp"])
        index = TiffImagePlugin.ImageFileDirectory_v2(listed.read(8))
        listed.seek(index.next)
        index.load(listed)
    return max(getattr(picture, "n_frames", 1), int(index.get(MPF_COUNT, 1)))


def _resources(kind: str, picture: Any) -> bytes | None:
    if kind == "JPEG":
        return captions.of_jpeg(picture.applist)
    return captions.of_tiff(picture.tag_v2) if kind == "TIFF" else None


def _resolution(dpi: Any) -> tuple[float, float] | None:
    """Pixels an inch across and down; None where a file says what no format can hold."""
    with contextlib.suppress(TypeError, ValueError, ZeroDivisionError):
        across, down = float(dpi[0]), float(dpi[1])
        if 1 <= across <= MAX_DPI and 1 <= down <= MAX_DPI:
            return across, down
    return None


# ---- writing
