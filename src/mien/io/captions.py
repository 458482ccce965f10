"""Words that photos carry beside EXIF and XMP: Photoshop's image resources, which hold IPTC captions and
credits, and the text of PNG files."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Collection
from typing import Any, BinaryIO

APP13 = b"Photoshop 3.0\0"
IPTC = 0x0404
# resources that show the photo before the edit, or tell again, from before, what EXIF and XMP tell
STALE = {0x0409, 0x040C, 0x0422, 0x0423, 0x0424}
TEXTS = b"tEXt", b"zTXt", b"iTXt"
ELSEWHERE = b"XML:com.adobe.xmp", b"Raw profile type exif", b"Raw profile type APP1", b"Raw profile type xmp"
# A JPEG, PNG, GIF or WebP in base64: it may show the face before the edit.
PICTURE = rb"(?:/9j/|iVBORw0KGgo|R0lGOD|UklGR)[A-Za-z0-9+/=\s]{200,}(?:&#x[0-9A-Fa-f]+;[A-Za-z0-9+/=\s]*)*"
TEXT = 1 << 24  # bytes of a PNG's text, at most
COMMENT = 65533  # bytes of a comment, at most
SEGMENT = 65533 - len(APP13)  # bytes of a JPEG's segment


def of_jpeg(segments: list[tuple[str, bytes]]) -> bytes | None:
    """The image resources in the segments of a JPEG."""
    return current(
        b"".join(data[len(APP13) :] for name, data in segments if name == "APP13" and data.startswith(APP13))
    )


def comment_of(segments: list[tuple[str, bytes]]) -> bytes | None:
    """The comments in the segments of a JPEG, as one, without pictures in them."""
    comments = (re.sub(PICTURE, b"", data) for name, data in segments if name == "COM")
    return b"\n".join(one for one in comments if one)[:COMMENT] or None


def of_tiff(tags: Any) -> bytes | None:
    """The same of a TIFF, some of which hold IPTC alone."""
    if isinstance(held := tags.get(34377), bytes):
        return current(held)
    iptc = tags.get(33723)
    if isinstance(iptc, tuple):  # written as numbers of four bytes
        iptc = struct.pack(f"{(tags.prefix == b'MM' and '>') or '<'}{len(iptc)}I", *iptc)
    return _resource(IPTC, b"\0\0", iptc) if isinstance(iptc, bytes) else None


def current(resources: bytes) -> bytes | None:
    """Image resources without those that are STALE; None where there are none, or they are damaged."""
    kept, at = b"", 0
    while at < len(resources):
        try:
            kind, number, length = struct.unpack_from(">4sHB", resources, at)
            start = at + 7 + length + (length + 1) % 2  # behind the name, which is padded with its length
            (size,) = struct.unpack_from(">I", resources, start)
        except struct.error:
            break
        end = start + 4 + size + size % 2
        if kind != b"8BIM" or start + 4 + size > len(resources):
            break
        if number not in STALE:
            kept += resources[at:end]
        at = end
    return kept or None


def _resource(number: int, name: bytes, body: bytes) -> bytes:
    return (
        struct.pack(">4sH", b"8BIM", number)
        + name
        + struct.pack(">I", len(body))
        + body
        + b"\0" * (len(body) % 2)
    )


def segments(resources: bytes) -> bytes:
    """The segments of a JPEG that hold image resources."""
    parts = [resources[at : at + SEGMENT] for at in range(0, len(resources), SEGMENT)]
    return b"".join(
        b"\xff\xed" + struct.pack(">H", 2 + len(APP13) + len(part)) + APP13 + part for part in parts
    )


def of_png(file: BinaryIO) -> tuple[bytes, ...]:
    """The chunks of text of a PNG, kind and body, but for those that EXIF and XMP are read from, and such as hold a
    picture."""
    found = ((kind, body) for kind, body in chunks(file, TEXTS) if not body.startswith(ELSEWHERE))
    return tuple(kind + body for kind, body in found if not re.search(PICTURE, _inflated(kind, body)))


def _inflated(kind: bytes, body: bytes) -> bytes:
    """The body of a chunk of text, and what is packed in it."""
    packed = body.partition(b"\0")[2][1:]
    if kind == b"iTXt":
        packed = packed[1:].split(b"\0", 2)[-1]
    try:
        return body + zlib.decompressobj().decompress(packed, TEXT)
    except zlib.error:  # it is not packed
        return body


def chunks(file: BinaryIO, kinds: Collection[bytes]) -> list[tuple[bytes, bytes]]:
    """The chunks of some kinds of a PNG, each with its body; no huge ones, and the file stays where it is."""
    here, found = file.tell(), list[tuple[bytes, bytes]]()
    file.seek(8)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in kinds and length < TEXT:
            body = file.read(length)
            if len(body) == length:
                found.append((kind, body))
        else:
            file.seek(length, 1)
        file.seek(4, 1)
    file.seek(here)
    return found


def chunk(kind: bytes, body: bytes) -> bytes:
    """A PNG's chunk."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
