"""XMP as it is carried from a photo to its result: without what is no longer true of it, and without pictures of
before."""

from __future__ import annotations

import re

from . import captions

DCTERMS = b"http://purl.org/dc/terms/"
CAMERA = b"http://ns.google.com/photos/1.0/camera/"
PHOTOSHOP, XMP_MM = b"http://ns.adobe.com/photoshop/1.0/", b"http://ns.adobe.com/xap/1.0/mm/"
# What points at parts of the old file: a namespace, what in it (b"\w+" for all), and what that part is called
# where it is a loss.
POINTERS = (
    (DCTERMS, b"provenance", ""),  # where the label of the old file is kept
    (b"http://ns.adobe.com/xmp/note/", b"HasExtendedXMP", "extended XMP"),
    (b"http://ns.adobe.com/hdr-gain-map/1.0/", rb"\w+", "HDR gain map"),
    (b"http://ns.apple.com/HDRGainMap/1.0/", rb"\w+", "HDR gain map"),
    (b"http://ns.apple.com/pixeldatainfo/1.0/", rb"\w+", "HDR gain map"),
    (CAMERA, rb"(?:MotionPhoto|MicroVideo)\w*", "motion photo's clip"),
    (b"http://ns.google.com/photos/1.0/container/", b"Directory", ""),
    (b"http://ns.google.com/photos/dd/1.0/device/", rb"\w+", "depth map"),
    (b"http://ns.google.com/photos/1.0/depthmap/", rb"\w+", "depth map"),
    (b"http://ns.google.com/photos/1.0/image/", rb"\w+", ""),  # the photo before its background was blurred
    (b"http://ns.google.com/photos/1.0/audio/", rb"\w+", "sound"),
)
PREVIEWS = (b"http://ns.adobe.com/xap/1.0/", b"Thumbnails"), (b"http://ns.adobe.com/xap/1.0/g/img/", b"image")
SIZES = ((b"PixelXDimension", 0), (b"PixelYDimension", 1), (b"ImageWidth", 0), (b"ImageLength", 1))


def carried(packet: bytes) -> tuple[bytes, tuple[str, ...]]:
    """The packet of a photo that was set upright, for its result; and what is lost of the file, in words."""
    packet = re.sub(rb"(tiff:Orientation(?:=[\"']|>))\d", rb"\g<1>1", packet)
    lost = list[str]()
    for space, names, what in POINTERS:
        before, packet = packet, without(packet, space, names)
        if what and packet != before:
            lost.append(what)
    for space, names in PREVIEWS:
        packet = without(packet, space, names)
    return re.sub(captions.PICTURE, b"", packet), tuple(dict.fromkeys(lost))


def without(packet: bytes, space: bytes, names: bytes) -> bytes:
    """The packet without properties of a namespace, as attributes or as elements; names: a pattern."""
    for prefix in {*re.findall(rb"xmlns:([\w.-]+)\s*=\s*[\"']%s[\"']" % re.escape(space), packet)}:
        name = re.escape(prefix) + b":" + b"(?:" + names + b")"
        packet = re.sub(rb"\s+%s\s*=\s*(?:\"[^\"]*\"|'[^']*')" % name, b"", packet)
        packet = re.sub(
            rb"<(%s)(?=[\s/>])[^>]*(?:/>|(?<!/)>.*?</\1\s*>)" % name, b"", packet, flags=re.DOTALL
        )
    return packet


def sized(packet: bytes, size: tuple[int, int]) -> bytes:
    """The packet with the size that the picture has now."""
    for name, side in SIZES:
        packet = re.sub(rb"((?:exif|tiff):%s(?:=[\"']|>))\d+" % name, rb"\g<1>%d" % size[side], packet)
    return packet


def shortened(packet: bytes, most: int) -> bytes:
    """The packet in `most` bytes: without padding, then without the lists of what a picture was made from and of
    how. What is still too long stays so."""
    if len(packet) > most:
        packet = re.sub(rb"\s+(?=<\?xpacket end)", b"\n", packet)
    for space, names in ((PHOTOSHOP, b"DocumentAncestors"), (XMP_MM, b"History")):
        if len(packet) > most:
            packet = without(packet, space, names)
    return packet
