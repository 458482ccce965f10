"""EXIF as it is carried from a photo to its result: upright, without the thumbnail of before, makers' notes
in place."""

from __future__ import annotations

import contextlib
import struct
from typing import Any

from PIL import ExifTags, Image, TiffImagePlugin

# the tags of a TIFF that describe the picture; the others say how its pixels lie in the file
DESCRIPTIVE = {270, 271, 272, 305, 306, 315, 33432}
FOLDERS = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo


def described(picture: Image.Image) -> bytes | None:
    """EXIF as a blob for files that keep it otherwise: TIFF in its own tags, old PNG as text."""
    exif = Image.Exif()
    tags, folders = fields(picture.getexif())
    exif.update(tags)
    for folder, values in folders.items():
        exif.get_ifd(folder).update(values)
        exif[folder] = values
    return exif.tobytes() if len(exif) else None


def fields(exif: Image.Exif) -> tuple[dict[int, Any], dict[int, dict[int, Any]]]:
    """The tags that describe a picture, and those of its folders, by number, without any that cannot be
    written: files hold tags of types that nobody meant them for."""
    tags = {tag: value for tag, value in exif.items() if tag in DESCRIPTIVE and _writable(tag, value)}
    folders = dict[int, dict[int, Any]]()
    for folder in FOLDERS:
        with contextlib.suppress(Exception):  # of a damaged folder Pillow may say anything
            inside = {
                tag: value for tag, value in exif.get_ifd(folder).items() if _writable(tag, value, folder)
            }
            if inside:
                folders[folder] = inside
    return tags, folders


def _writable(tag: int, value: Any, folder: int | None = None) -> bool:
    one = TiffImagePlugin.ImageFileDirectory_v2(prefix=b"II", group=folder)
    try:
        one[tag] = value
        one.tobytes(8)
    except Exception:  # Pillow packs what it is given and raises whatever that raises
        return False
    return True


def prepared(blob: bytes) -> bytes | None:
    """EXIF with the turn set to 1 and the thumbnail, which shows the face before the edit, blanked.

    Changed in place: makers' notes hold offsets that would break if the blob were laid out anew. None where
    it is damaged.
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
    return {
        struct.unpack_from(order + "H", data, place)[0]: place + 8 for place in places
    }, at + 2 + 12 * count
