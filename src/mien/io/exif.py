"""EXIF as it is carried from a photo to its result: upright, without the thumbnail of before, makers' notes
in place."""

from __future__ import annotations

import contextlib
import re
import struct
from typing import Any

from PIL import ExifTags, Image, TiffImagePlugin

# the tags of a TIFF that describe the picture; the others say how its pixels lie in the file
DESCRIPTIVE = {270, 271, 272, 305, 306, 315, 33432}
FOLDERS = ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo
# makers' notes, owner, serial numbers of camera and lens, and a picture's own number
TRACEABLE = {0x927C, 0xA420, 0xA430, 0xA431, 0xA435}


def described(picture: Image.Image) -> bytes | None:
    """EXIF as a blob for files that keep it otherwise: TIFF in its own tags, old PNG as text."""
    return _blob(*fields(picture.getexif()))


def minimised(blob: bytes) -> bytes | None:
    """EXIF without place, serial numbers, owner and makers' notes; None where nothing is left, or it is damaged."""
    exif = Image.Exif()
    with contextlib.suppress(Exception):  # of damaged EXIF Pillow may say anything
        exif.load(blob)
    tags, folders = fields(exif)
    about = folders.get(ExifTags.IFD.Exif, {})
    left = {tag: about[tag] for tag in about.keys() - TRACEABLE}
    kept = _blob(tags, {ExifTags.IFD.Exif: left} if left else {})
    return kept.removeprefix(b"Exif\0\0") if kept else None


def _blob(tags: dict[int, Any], folders: dict[int, dict[int, Any]]) -> bytes | None:
    exif = Image.Exif()
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
    """EXIF with the turn set to 1, and with the pictures in it blanked, which show the face before the edit: the
    thumbnail, and previews in makers' notes.

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
        for where, size in ((513, 514), (273, 279)):  # as a JPEG, or as plain pixels
            if where in thumbnail and size in thumbnail:
                start, length = (
                    struct.unpack_from(order + "I", data, thumbnail[tag])[0] for tag in (where, size)
                )
                _blank(data, start, start + length)
    except struct.error:
        return None
    while found := re.search(rb"\xff\xd8\xff[\xc0-\xfe]", data):
        _blank(data, found.start(), _end_of_jpeg(data, found.start()))
    return bytes(data)


def _blank(data: bytearray, start: int, end: int) -> None:
    data[start:end] = bytes(len(data[start:end]))


def _end_of_jpeg(data: bytearray, start: int) -> int:
    """Where a JPEG that begins at `start` ends; a smaller one in it is passed over, segment by segment."""
    at = start + 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    end = data.find(b"\xff\xd9", at)
    return len(data) if end < 0 else end + 2


def sized(blob: bytes, size: tuple[int, int]) -> bytes:
    """EXIF with the size that the picture has now, where it says one; changed in place."""
    data, sides = bytearray(blob), {256: 0, 257: 1, 0xA002: 0, 0xA003: 1}
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]), "")
    with contextlib.suppress(struct.error):
        entries, _ = _entries(data, order, struct.unpack_from(order + "I", data, 4)[0])
        if ExifTags.IFD.Exif in entries:
            inside = struct.unpack_from(order + "I", data, entries[ExifTags.IFD.Exif])[0]
            entries |= _entries(data, order, inside)[0]
        for tag in entries.keys() & sides.keys():
            (kind,) = struct.unpack_from(order + "H", data, entries[tag] - 6)
            form = {3: "H", 4: "I"}.get(kind, "")
            if form and size[sides[tag]] < 1 << 8 * struct.calcsize(form):
                struct.pack_into(order + form, data, entries[tag], size[sides[tag]])
    return bytes(data)


def _entries(data: bytearray, order: str, at: int) -> tuple[dict[int, int], int]:
    """Where the value of each tag of an EXIF folder lies, and where its link to the next folder lies."""
    (count,) = struct.unpack_from(order + "H", data, at)
    places = range(at + 2, at + 2 + 12 * count, 12)
    return {
        struct.unpack_from(order + "H", data, place)[0]: place + 8 for place in places
    }, at + 2 + 12 * count
