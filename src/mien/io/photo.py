"""Read and write photos, losing nothing that the file carried. The only file that imports Pillow.

    read(path)          JPEG, PNG, WebP, TIFF, HEIC -> Photo, upright, 8 or 16 bits
    write(photo, path)  JPEG, PNG, WebP, TIFF by the suffix; what was done to the photo becomes its label

Of a file with several pictures (animation, pages) the first is read. What cannot be kept is the profile of a picture that is not
RGB (CMYK, grey): its pixels are converted to sRGB instead, or, at 16 bits, taken as they are.
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
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin

from ..errors import InputError, OutputError, RequestError
from ..types import Array, Origin, Photo
from . import content_credentials as provenance
from . import outputs

MAX_PIXELS = 200_000_000
READABLE = "JPEG, PNG, WebP, TIFF or HEIC"
SUFFIXES = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF"}
SIDES = {"JPEG": 65500, "WEBP": 16383}  # the longest side that a format can hold
# At 95 without chroma subsampling a JPEG's loss is below what is seen on skin and lips, at a third of the size of 100.
QUALITY, SUBSAMPLING = 95, 0

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

    `InputError` where the file is missing, not a picture, damaged, or has more than `max_pixels`, which its header tells before
    anything is decoded.
    """
    path = Path(path)
    with _opened(path) as file:
        kind = _kind(path, file)
        with _damage(path, "is damaged"):
            picture = _opener(path, kind)(file)
        width, height = picture.size
        if width * height > max_pixels:
            raise InputError(
                f"{path} has {width} x {height} pixels, more than the limit of {max_pixels}: raise it with --max-pixels {width * height}"
            )
        depth = _depth(path, kind, file, picture)
        if kind == "TIFF" and depth == 16:
            _check_tiff(path, file, picture.tag_v2)
        else:
            try:
                picture.load()
            except Exception as error:  # decoders meet damaged data with any exception
                raise _damaged(path, kind, error) from error
        with _damage(path, "is damaged"):
            origin = _origin(path, kind, picture)
            # libheif and both readers of TIFF turn the pixels themselves
            turn = picture.getexif().get(ExifTags.Base.Orientation, 1) if kind not in ("HEIF", "TIFF") else 1
            pixels, icc = _decode(depth, file, picture)
    if turn in range(2, 9):
        pixels = _upright(pixels, turn)
    opacity = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    return Photo(pixels if opacity is None else np.ascontiguousarray(pixels[..., :3]), opacity, origin=replace(origin, icc=icc))


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
        raise InputError(
            f"{path} {said} ({str(error).strip() or type(error).__name__}): nothing was written, get the file again"
        ) from error


def _depth(path: Path, kind: str, file: BinaryIO, picture: Any) -> int:
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
        raise InputError(f"{path} has {depth} bits a channel, and 8 or 16 were wanted: save it as a 16-bit TIFF")
    return max(depth, 8)


def _decode(depth: int, file: BinaryIO, picture: Any) -> tuple[Array, bytes | None]:
    """Pixels `[H, W, 3 or 4]`, not yet turned, and the profile that still fits them."""
    icc: bytes | None = picture.info.get("icc_profile")
    if depth == 16:
        file.seek(0)
        return _rgb16(cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)), icc if _is_rgb(icc) else None
    picture, icc = _rgb(picture, icc)
    return _array(picture), icc


def _check_tiff(path: Path, file: BinaryIO, tags: Any) -> None:
    """OpenCV decodes 16 bits, but does not say what is wrong with a file."""
    size = os.fstat(file.fileno()).st_size
    if tags.get(262) not in (1, 2) or tags.get(284, 1) != 1 or set(tags.get(339, (1,))) != {1}:
        raise InputError(f"{path} is a 16-bit TIFF with planes or floats, or neither RGB nor grey: save it as interleaved RGB integers")
    starts, counts = tags.get(273) or tags.get(324) or (), tags.get(279) or tags.get(325) or ()
    if any(start + count > size for start, count in zip(starts, counts, strict=False)):
        raise InputError(f"{path} is truncated: its data ends at byte {size}; nothing was written, get the file again")


def _damaged(path: Path, kind: str, error: Exception) -> InputError:
    """What to say after a failed load: up to which row or byte there is data, or just that it is damaged."""
    again = "nothing was written, get the file again"
    if "trunc" not in str(error).lower():
        return InputError(f"{path} is damaged ({error}): {again}")
    end = f"byte {path.stat().st_size}"
    if kind in ("JPEG", "PNG"):
        with path.open("rb") as file, _damage(path, "is damaged"):
            row, height = _decoded_rows(OPENERS[kind](file))
            end = f"row {row} of {height}"
    return InputError(f"{path} is truncated: its data ends at {end}; {again}")


def _decoded_rows(picture: Any) -> tuple[int, int]:
    """How many rows the decoder delivers before it gives up, of how many: what it does not reach keeps the colour it is loaded over."""
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
    return cv2.cvtColor(pixels, codes[pixels.shape[2] if pixels.ndim == 3 else 1])


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
    """The pixels, copied band by band: `np.asarray` of the whole would hold three more copies for a moment."""
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


def _origin(path: Path, kind: str, picture: Any) -> Origin:
    info = picture.info
    exif = info.get("exif") or _described(picture)
    xmp = info.get("xmp") or info.get("XML:com.adobe.xmp") or (picture.tag_v2.get(700) if kind == "TIFF" else None)
    if isinstance(xmp, str):
        xmp = xmp.encode()
    colour = kind == "JPEG" and picture.mode in ("RGB", "L")  # a CMYK picture's tables are for other channels
    sampling = JpegImagePlugin.get_sampling(picture) if colour and picture.mode == "RGB" else -1
    return Origin(
        path=str(path),
        format=kind,
        exif=_exif(exif) if exif else None,
        xmp=re.sub(rb"(tiff:Orientation(?:=[\"']|>))\d", rb"\g<1>1", bytes(xmp)) if xmp else None,
        quantisation=picture.quantization if colour else None,
        subsampling=sampling if sampling >= 0 else None,
        dpi=(float(info["dpi"][0]), float(info["dpi"][1])) if info.get("dpi") else None,
    )


# the tags of a TIFF that describe the picture; the others say how its pixels lie in the file
DESCRIPTIVE = {270, 271, 272, 305, 306, 315, 33432}
FOLDERS = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo


def _described(picture: Image.Image) -> bytes | None:
    """EXIF as a blob for files that keep it otherwise: TIFF in its own tags, old PNG as text."""
    source, exif = picture.getexif(), Image.Exif()
    exif.update({tag: value for tag, value in source.items() if tag in DESCRIPTIVE})
    for folder in FOLDERS:
        if source.get_ifd(folder):
            exif.get_ifd(folder).update(source.get_ifd(folder))
            exif[folder] = dict(source.get_ifd(folder))
    return exif.tobytes() if len(exif) else None


def _exif(blob: bytes) -> bytes | None:
    """EXIF with the turn set to 1 and the thumbnail, which shows the face before the edit, blanked.

    Changed in place: makers' notes hold offsets that would break if the blob were laid out anew. None where it is damaged.
    """
    data = bytearray(blob.removeprefix(b"Exif\0\0"))
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]), "")
    try:
        entries, link = _entries(data, order, struct.unpack_from(order + "I", data, 4)[0])
        if 274 in entries:
            struct.pack_into(order + "H", data, entries[274], 1)
        (second,) = struct.unpack_from(order + "I", data, link)
        struct.pack_into(order + "I", data, link, 0)
        thumbnail = _entries(data, order, second)[0] if second else {}
        if 513 in thumbnail and 514 in thumbnail:
            start, length = (struct.unpack_from(order + "I", data, thumbnail[tag])[0] for tag in (513, 514))
            data[start : start + length] = bytes(len(data[start : start + length]))
    except struct.error:
        return None
    return bytes(data)


def _entries(data: bytearray, order: str, at: int) -> tuple[dict[int, int], int]:
    """Where the value of each tag of an EXIF folder lies, and where its link to the next folder lies."""
    (count,) = struct.unpack_from(order + "H", data, at)
    places = range(at + 2, at + 2 + 12 * count, 12)
    return {struct.unpack_from(order + "H", data, place)[0]: place + 8 for place in places}, at + 2 + 12 * count


# ---- writing


def write(photo: Photo, path: str | os.PathLike[str], *, quality: int | None = None, force: bool = False) -> None:
    """Write `photo` in the format that the suffix of `path` names; a photo with a history gets a label.

    `quality` 1..100 is for JPEG and WebP. Without it a JPEG that was read from a JPEG keeps that one's tables and subsampling, and
    others get 95 (JPEG without chroma subsampling). 16 bits are kept by PNG and TIFF and rounded to 8 by the others. `OutputError`
    where the file exists (or is the photo's own source) and `force` is not set, or cannot be written; then nothing is left behind.
    """
    path = Path(path)
    form = target(path, source=photo.origin.path, quality=quality, force=force)
    _check_fits(photo, path, form)
    xmp = provenance.xmp(photo.origin.xmp, photo.history) if photo.history else photo.origin.xmp
    encode = {"JPEG": _jpeg, "PNG": _png, "WEBP": _webp, "TIFF": _tiff}[form]
    try:
        data = encode(photo, quality, xmp)
    except ValueError as error:  # Pillow: a profile or EXIF that is too long for the format
        raise OutputError(f"{path}: what the photo carries does not fit into this format ({error}): write a .png") from error
    if photo.history:
        labelled = io.BytesIO()
        provenance.sign(io.BytesIO(data), labelled, f"image/{form.lower()}", photo.history, photo.origin)
        data = labelled.getbuffer()
    _save(path, data)


def target(path: Path, *, source: str | None, quality: int | None, force: bool) -> str:
    """The format that will be written, after refusing all that can be refused before there is a photo."""
    form = SUFFIXES.get(path.suffix.lower())
    if form is None:
        raise OutputError(f"{path}: the suffix {path.suffix!r} names no format that mien writes: use one of {' '.join(SUFFIXES)}")
    if quality is not None and not 1 <= quality <= 100:
        raise RequestError(f"quality {quality} is out of range: 1 to 100")
    if not force and path.exists() and source and Path(source).exists() and path.samefile(source):
        raise OutputError(f"{path} is the input: choose another name with -o, or write over it with --force")
    outputs.check_free(path, force)
    return form


def _check_fits(photo: Photo, path: Path, form: str) -> None:
    """Refuse a photo that the format cannot hold."""
    if max(photo.size) > SIDES.get(form, max(photo.size)):
        raise OutputError(
            f"{path}: {form} holds at most {SIDES[form]} pixels a side and the photo has {max(photo.size)}: write a .png or .tif"
        )
    opacity = photo.opacity
    if form == "JPEG" and opacity is not None and opacity.min() < np.iinfo(opacity.dtype).max:
        raise OutputError(f"{path}: the photo is transparent in places, which JPEG cannot hold: write a .png, .webp or .tif")


def _save(path: Path, data: bytes | memoryview) -> None:
    """All or nothing: a file beside the target that takes its place when it is complete."""
    draft = path.with_name(f".mien-{secrets.token_hex(6)}.part")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        if error.errno == errno.ENOSPC:
            free = shutil.disk_usage(path.parent).free
            raise OutputError(
                f"{path}: {len(data) / 1e6:.1f} MB are wanted and {free / 1e6:.1f} MB are free: make room on the disk"
            ) from error
        raise OutputError(f"{path} cannot be written ({error.strerror}): check the permissions of {path.parent}") from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)


def _eight(array: Array) -> Array:
    """16 bits rounded to 8."""
    return array if array.dtype == np.uint8 else ((array.astype(np.uint32) + 128) // 257).astype(np.uint8)


def _pillow(photo: Photo, form: str, xmp: bytes | None, pixels: Array, exif: bytes | None, **options: Any) -> bytes:
    file, origin = io.BytesIO(), photo.origin
    carried = {"icc_profile": origin.icc, "exif": exif, "xmp": xmp, "dpi": origin.dpi}
    Image.fromarray(pixels).save(file, form, **{name: value for name, value in carried.items() if value}, **options)
    return file.getvalue()


def _jpeg(photo: Photo, quality: int | None, xmp: bytes | None) -> bytes:
    origin = photo.origin
    options: dict[str, Any] = {
        "quality": quality or QUALITY,
        "subsampling": SUBSAMPLING if origin.subsampling is None else origin.subsampling,
    }
    if quality is None and origin.quantisation and max(map(max, origin.quantisation.values())) < 256:
        options = {"qtables": origin.quantisation, "subsampling": options["subsampling"]}
    exif = b"Exif\0\0" + origin.exif if origin.exif else None
    return _pillow(photo, "JPEG", xmp, _eight(photo.pixels), exif, **options)


def _webp(photo: Photo, quality: int | None, xmp: bytes | None) -> bytes:
    pixels = _eight(photo.pixels) if photo.opacity is None else np.dstack([_eight(photo.pixels), _eight(photo.opacity)])
    return _pillow(photo, "WEBP", xmp, pixels, photo.origin.exif, quality=quality or QUALITY)


def _png(photo: Photo, quality: int | None, xmp: bytes | None) -> bytes:
    """OpenCV writes the pixels at either depth, and quicker than Pillow; the chunks for the rest are put behind its IHDR."""
    origin = photo.origin
    pixels = photo.pixels[..., ::-1] if photo.opacity is None else np.dstack([photo.pixels[..., ::-1], photo.opacity])
    data = cv2.imencode(".png", np.ascontiguousarray(pixels))[1].tobytes()
    chunks = b""
    if origin.icc:
        chunks += _chunk(b"iCCP", b"ICC\0\0" + zlib.compress(origin.icc))
    if origin.dpi:
        chunks += _chunk(b"pHYs", struct.pack(">IIB", *(round(dpi / 0.0254) for dpi in origin.dpi), 1))
    if origin.exif:
        chunks += _chunk(b"eXIf", origin.exif)
    if xmp:
        chunks += _chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp)
    return data[:33] + chunks + data[33:]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _tiff(photo: Photo, quality: int | None, xmp: bytes | None) -> bytes:
    """One deflated strip for every 64 rows, before them the tags by Pillow's own writer: it has no 16-bit RGB, and OpenCV no profile."""
    origin, (width, height) = photo.origin, photo.size
    pixels = photo.pixels if photo.opacity is None else np.dstack([photo.pixels, photo.opacity])
    pixels = np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("<"))
    channels, bits = pixels.shape[2], pixels.dtype.itemsize * 8
    strips = [zlib.compress(_predicted(pixels[top : top + 64]).tobytes(), 1) for top in range(0, height, 64)]
    ends = np.cumsum([0, *map(len, strips)]).tolist()  # Pillow adds where the tags end
    tags = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II")
    if origin.exif:
        exif = Image.Exif()
        exif.load(origin.exif)
        for tag, value in exif.items():
            if tag in DESCRIPTIVE:
                tags[tag] = value
        for folder in FOLDERS:
            if exif.get_ifd(folder):
                tags.tagtype[folder] = 4
                tags[folder] = dict(exif.get_ifd(folder))
    fixed: dict[int, Any] = {256: width, 257: height, 258: (bits,) * channels, 259: 8, 262: 2, 277: channels, 278: 64, 284: 1, 317: 2}
    fixed |= {273: tuple(ends[:-1]), 279: tuple(map(len, strips))} | ({338: 2} if channels == 4 else {})
    fixed |= {282: origin.dpi[0], 283: origin.dpi[1], 296: 2} if origin.dpi else {}
    fixed |= ({34675: origin.icc} if origin.icc else {}) | ({700: xmp} if xmp else {})
    for tag, value in fixed.items():
        tags[tag] = value
    tags.tagtype[273] = tags.tagtype[279] = 4  # unsigned 32 bits
    return b"".join([b"II*\0\x08\0\0\0", tags.tobytes(8), *strips])


def _predicted(strip: Array) -> Array:
    """TIFF's predictor 2: each sample as its difference from the one to the left."""
    out = strip.copy()
    out[:, 1:] -= strip[:, :-1]
    return out
