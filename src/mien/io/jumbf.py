"""The bytes of a label that C2PA does not hash (heads of boxes, padding), compared with the only form that
mien writes."""

from __future__ import annotations

import mmap
import struct
import zlib
from typing import Any

# the rest of a JUMBF type, and "has a label, may be asked for"
BOX = b"\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71\x03"
UNHASHED = b"ftyp", b"uuid", b"free", b"skip", b"mfra"  # boxes of a clip that C2PA's hash leaves out
GIF = b"!\xff\x0bC2PA_GIF\x01\0\0"  # the head of the part of a GIF that holds the store
FTYP = (  # without and with Dolby's sound
    b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41",
    b"\0\0\0\x24ftypisom\0\0\x02\0isomdby1iso2avc1mp41",
)
STORE = bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + bytes(4) + b"manifest\0" + bytes(8)
KINDS = {
    b"c2pa.assertions": b"c2as",
    b"c2pa.claim": b"c2cl",
    b"c2pa.claim.v2": b"c2cl",
    b"c2pa.signature": b"c2cs",
    b"c2pa.credentials": b"c2vc",
    b"c2pa.databoxes": b"c2db",
}


def find_tampering(data: mmap.mmap, report: dict[str, Any]) -> list[str]:
    try:
        assertions = report["manifests"][report["active_manifest"]]["assertion_store"]
        holes = [
            hole
            for label, part in assertions.items()
            if label.startswith("c2pa.hash.data")
            for hole in part["exclusions"]
        ]
        if holes:
            store = _store([bytes(data[hole["start"] : hole["start"] + hole["length"]]) for hole in holes])
            _check_store(store, report["active_manifest"])
        elif any(label.startswith("c2pa.hash.bmff") for label in assertions):
            store = _store_of_clip(data)
            if store is None:
                return [
                    "a part of the file that holds no pictures or sound was changed after it was labelled"
                ]
            _check_store(store, report["active_manifest"])
    except (ValueError, KeyError, IndexError, struct.error):
        return ["the label was changed after it was signed"]
    return []


def _need(fact: bool) -> None:
    if not fact:
        raise ValueError


def _store(holes: list[bytes]) -> bytes:
    """The manifest store out of what the data hash leaves out: how JPEG, PNG, GIF, WebP or TIFF wraps it."""
    whole = holes[-1]
    if whole[:2] == b"\xff\xeb":  # JPEG: APP11 segments, numbered, each repeating the head of the box
        store, position, number = b"", 0, 1
        while position < len(whole):
            _, length, name, number_found = struct.unpack(">HH4sI", whole[position : position + 12])
            head, body = whole[position + 12 : position + 20], whole[position + 20 : position + 2 + length]
            _need(
                whole[position : position + 2] == b"\xff\xeb"
                and name == b"JP\x02\x11"
                and number_found == number
            )
            _need(not store or head == store[:8])
            store += body if store else head + body
            position, number = position + 2 + length, number + 1
        return store
    if whole[4:8] == b"caBX":  # PNG
        _need(
            struct.unpack(">I", whole[:4])[0] == len(whole) - 12
            and struct.unpack(">I", whole[-4:])[0] == zlib.crc32(whole[4:-4])
        )
        return whole[8:-4]
    if whole[: len(GIF)] == GIF:  # blocks of at most 255 bytes, and one of none at the end
        store, position = b"", len(GIF)
        while whole[position]:
            store += whole[position + 1 : position + 1 + whole[position]]
            position += 1 + whole[position]
        _need(position == len(whole) - 1)
        return store
    if whole[:4] == b"C2PA":  # WebP
        _need(struct.unpack("<I", whole[4:8])[0] == len(whole) - 8)
        return whole[8:]
    _need(
        len(holes) == 2 and struct.pack("<I", len(whole)) in (holes[0], holes[0][::-1])
    )  # TIFF: the count of the tag, then the store
    return whole


def _store_of_clip(data: mmap.mmap) -> bytes | None:
    """The manifest store of an MP4. Its hash leaves out whole boxes, of which mien writes these alone: what
    kind of file it is, the store behind it, and eight bytes that an encoder keeps free. None where there is
    something else."""
    found, at = list[tuple[bytes, int, int]](), 0
    while at < len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, at + 8)
        _need(8 <= length <= len(data) - at)
        found.append((kind, at, at + length))
        at += length
    unhashed = [bytes(data[start:end]) for kind, start, end in found if kind in UNHASHED]
    ours = [kind for kind, _, _ in found[:2]] == [b"ftyp", b"uuid"]
    ours = ours and unhashed[0] in FTYP and unhashed[2:] in ([], [b"\0\0\0\x08free"])
    if not ours or unhashed[1][8 : 8 + len(STORE)] != STORE:
        return None
    return unhashed[1][8 + len(STORE) :]


def _boxes(data: bytes) -> list[tuple[bytes, bytes]]:
    """(kind, body) of the boxes that fill `data` to the last byte."""
    boxes = []
    while data:
        length, kind = struct.unpack(">I4s", data[:8])
        _need(8 <= length <= len(data))
        boxes.append((kind, data[8:length]))
        data = data[length:]
    return boxes


def _check_store(store: bytes, active: str) -> None:
    """Raises ValueError where a byte that C2PA leaves unhashed is not what mien writes. The active manifest
    hashes older ones whole."""
    ((kind, body),) = _boxes(store)
    (head, *manifests) = _boxes(body)
    _need(kind == b"jumb" and head == _head(b"c2pa", b"c2pa"))
    for kind, body in manifests:
        newest = body is manifests[-1][1]
        (head, *parts) = _boxes(body)
        _need(
            kind == b"jumb" and (head == _head(b"c2ma", active.encode()) if newest else head[1][4:17] == BOX)
        )
        for kind, body in parts:
            (head, *contents) = _boxes(body)
            label = head[1][17:-1]
            _need(
                kind == b"jumb"
                and (
                    head == _head(KINDS[label], label)
                    if label in KINDS
                    else head[1][:4] not in KINDS.values()
                )
            )
            if (
                label == b"c2pa.assertions"
            ):  # hashed, but for the bits that say whether it has a label and a salt
                _need(
                    all(kind == b"jumb" and _boxes(body)[0][1][16] in (0x03, 0x13) for kind, body in contents)
                )
            elif newest:
                _need([kind for kind, _ in contents] == [b"cbor"])
            if newest and label == b"c2pa.signature":
                _check_signature(contents[0][1])


def _head(code: bytes, label: bytes) -> tuple[bytes, bytes]:
    return b"jumd", code + BOX + label + b"\0"


def _check_signature(cose: bytes) -> None:
    """A COSE_Sign1 is [protected bytes, unprotected map, nil, signature]; the map must hold zeros under "pad"
    and nothing else."""
    _need(cose[:2] == b"\xd2\x84")
    protected, rest = _cbor_bytes(cose[2:])
    _need(rest[:5] == b"\xa1\x63pad")
    pad, rest = _cbor_bytes(rest[5:])
    _need(not any(pad) and rest[:1] == b"\xf6")
    _, rest = _cbor_bytes(rest[1:])
    _need(bool(protected) and not rest)


def _cbor_bytes(data: bytes) -> tuple[bytes, bytes]:
    """A CBOR byte string at the start of `data`, and what follows it."""
    _need(0x40 <= data[0] <= 0x5A)
    size = {0x58: 1, 0x59: 2, 0x5A: 4}.get(data[0], 0)
    length = int.from_bytes(data[1 : 1 + size], "big") if size else data[0] - 0x40
    _need(len(data) >= 1 + size + length)
    return data[1 + size : 1 + size + length], data[1 + size + length :]
