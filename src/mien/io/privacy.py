"""What a photo or clip carries from its camera, without what tells where it was taken and with which device. The label
stays."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from ..types import Origin
from . import declarations, exif, xmp_packet

# properties of XMP that tell a place, a device, an owner, or the ways of the file: a namespace, and what in it
PROPERTIES = (
    (b"http://ns.adobe.com/exif/1.0/", rb"(?:GPS\w+|ImageUniqueID)"),
    (b"http://ns.adobe.com/exif/1.0/aux/", b"(?:SerialNumber|LensSerialNumber|OwnerName|ImageNumber)"),
    (b"http://cipa.jp/exif/1.0/", b"(?:BodySerialNumber|LensSerialNumber|CameraOwnerName)"),
    (xmp_packet.PHOTOSHOP, b"(?:City|State|Country|DocumentAncestors)"),
    (b"http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", b"(?:Location|CountryCode)"),
    (b"http://iptc.org/std/Iptc4xmpExt/2008-02-29/", b"(?:LocationCreated|LocationShown)"),
    (xmp_packet.XMP_MM, rb"\w+"),
)

# Of what a clip says of itself phones and cameras make new names every year: so what stays is listed, not what goes.
OF_CLIPS = re.compile(rf"(?:com\.apple\.quicktime\.)?(?:title|artist|author|copyright)|{declarations.AIGC}")


def minimised(origin: Origin) -> Origin:
    """An origin without place, serial numbers, owner and makers' notes. IPTC's image resources, comments and a PNG's texts,
    which may name a place anywhere, are left out as a whole."""
    packet = origin.xmp
    for space, names in PROPERTIES:
        packet = xmp_packet.without(packet, space, names) if packet else packet
    return replace(
        origin,
        exif=exif.minimised(origin.exif) if origin.exif else None,
        xmp=packet,
        iptc=None,
        comment=None,
        texts=(),
    )


def minimised_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """What a clip says of itself, without place, time, device and serial numbers: its title, who made it, whose it is,
    and the mark of another producer."""
    return {name: value for name, value in tags.items() if OF_CLIPS.fullmatch(name)}
