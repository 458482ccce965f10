"""What a photo carries beside its pixels: kept where it is still true, said where it is lost, and no picture of
before is left in it."""

from __future__ import annotations

import base64
import io
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import HOPPER, Mien
from PIL import Image, PngImagePlugin

from mien import verify
from mien.io import captions, exif, photo_writer, xmp_packet
from mien.io import photo_reader as image
from mien.types import Origin, Photo, Step

PIXELS = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
DONE = Step("edit", {"smile": 1}, version="1", time="2026-01-01T00:00:00Z")


def jpeg(text: bytes = b"", side: int = 24) -> bytes:
    """A small JPEG, as a preview is one."""
    file = io.BytesIO()
    Image.fromarray(PIXELS[:side, :side]).save(file, "JPEG", comment=text)
    return file.getvalue()


def packet(attributes: str = "", inside: str = "", **spaces: str) -> bytes:
    names = "".join(f' xmlns:{prefix}="{space}"' for prefix, space in spaces.items())
    return (
        f'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        f'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about=""{names} {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
        f'<?xpacket end="w"?>'
    ).encode()


def through(tmp_path: Path, source: str, target: str) -> Image.Image:
    """A photo read, edited and written."""
    photo = image.read(tmp_path / source)
    photo_writer.write(photo.after(DONE, photo.pixels), tmp_path / target)
    assert verify(tmp_path / target).state == "intact"
    return Image.open(tmp_path / target)


GAIN = "http://ns.adobe.com/hdr-gain-map/1.0/"
CAMERA, ITEMS = "http://ns.google.com/photos/1.0/camera/", "http://ns.google.com/photos/1.0/container/"


@pytest.mark.parametrize(
    ("before", "gone", "lost"),
    [
        (packet('hdrgm:Version="1.0"', hdrgm=GAIN), b"hdrgm:V", "HDR gain map"),
        (packet("", "<g:Version>1.0</g:Version>", g=GAIN), b"<g:V", "HDR gain map"),
        (packet("c:MotionPhoto='1' c:MicroVideoOffset=\"99\"", c=CAMERA), b"Micro", "motion photo's clip"),
        (
            packet('xmpNote:HasExtendedXMP="AB"', xmpNote="http://ns.adobe.com/xmp/note/"),
            b"AB",
            "extended XMP",
        ),
        (packet("", "<C:Directory><rdf:Seq/></C:Directory>", C=ITEMS), b"<C:Directory", ""),
        (packet('d:provenance="https://a.b/c"', d="http://purl.org/dc/terms/"), b"a.b", ""),
    ],
)
def test_pointers_to_what_is_not_written_are_left_out(tmp_path: Path, before: bytes, gone: bytes, lost: str):
    kept = before.replace(
        b"<rdf:Description", b'<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" dc:title="T"'
    )
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", xmp=kept)
    assert image.read(tmp_path / "a.jpg").origin.left_out == ((lost,) if lost else ())
    after = through(tmp_path, "a.jpg", "b.jpg").info["xmp"]
    assert gone in kept and gone not in after and b'dc:title="T"' in after


def test_what_is_left_out_is_said(mien: Mien, tmp_path: Path):
    with Image.open(HOPPER) as picture:
        picture.save(tmp_path / "a.jpg", xmp=packet('hdrgm:Version="1.0"', hdrgm=GAIN))
    ran = mien("edit", tmp_path / "a.jpg", "--warmth", 0.5, "-o", tmp_path / "b.jpg", "--json")
    assert ran.code == 0 and "left out: HDR gain map" in ran.err and '"left_out": ["HDR gain map"]' in ran.out


def test_captions_comments_and_texts_are_kept(tmp_path: Path):
    caption = b"\x1c\x02\x78\x00\x05Hello"
    resources = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption
    resources += b"8BIM\x04\x0c\0\0" + struct.pack(">I", 500) + jpeg(b"face")[:500]
    Image.fromarray(PIXELS).save(
        tmp_path / "a.jpg", extra=captions.segments(resources * 200), comment=b"by somebody"
    )
    one, other = through(tmp_path, "a.jpg", "b.jpg"), through(tmp_path, "a.jpg", "b.tif")
    assert one.info["comment"] == b"by somebody" and one.info["photoshop"][0x0404] == caption
    assert 0x040C not in one.info["photoshop"] and b"face" not in (tmp_path / "b.jpg").read_bytes()
    tags: Any = other
    assert tags.tag_v2[34377].count(b"Hello") == 200
    assert through(tmp_path, "b.tif", "c.jpg").info["photoshop"][0x0404] == caption
    assert (
        b"Comment\0by somebody" in (through(tmp_path, "a.jpg", "b.png"), (tmp_path / "b.png").read_bytes())[1]
    )


def test_texts_of_a_png_are_kept(tmp_path: Path):
    texts = PngImagePlugin.PngInfo()
    texts.add_text("parameters", "a portrait, 50mm")
    texts.add_text("long", "x" * 5000, zip=True)
    texts.add_itxt("Description", "Gr\u00fc\u00dfe", "de", "Beschreibung")
    Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=texts)
    after: Any = through(tmp_path, "a.png", "b.png")
    before: Any = Image.open(tmp_path / "a.png")
    assert {name: after.text[name] for name in before.text} == before.text


def test_no_picture_of_before_is_left_inside(tmp_path: Path):
    """In XMP, in a maker's note with a preview in the preview, and as plain pixels of a thumbnail."""
    face = base64.b64encode(jpeg(b"face" * 60)).decode()
    inside = f"<xmp:Thumbnails><rdf:Alt><rdf:li><g:image>{face}</g:image></rdf:li></rdf:Alt></xmp:Thumbnails>"
    spaces = {"xmp": "http://ns.adobe.com/xap/1.0/", "g": "http://ns.adobe.com/xap/1.0/g/img/"}
    other = f"<own:Look>{face[:120]}\n{face[120:]}</own:Look>"
    inner = jpeg(b"inner face")
    outer = jpeg()
    nested = outer[:2] + b"\xff\xe1" + struct.pack(">H", len(inner) + 2) + inner + outer[2:]
    tags = Image.Exif()
    tags[0x010F] = "Maker"
    tags.get_ifd(0x8769)[0x927C] = b"note " + nested + b" end of note"
    Image.fromarray(PIXELS).save(
        tmp_path / "a.jpg", exif=tags, xmp=packet("", inside + other, own="urn:own", **spaces)
    )
    after = through(tmp_path, "a.jpg", "b.jpg")
    assert b"/9j/" not in after.info["xmp"] and b"Thumbnails" not in after.info["xmp"]
    note = after.getexif().get_ifd(0x8769)[0x927C]
    assert note.startswith(b"note \0") and note.endswith(b"\0 end of note") and not note[5:-12].strip(b"\0")


@pytest.mark.parametrize("how", ["comment", "plain", "packed", "international"])
def test_no_picture_of_before_is_left_in_words(how: str, tmp_path: Path):
    face = base64.b64encode(jpeg(b"face" * 60)).decode()
    if how == "comment":
        Image.fromarray(PIXELS).save(tmp_path / "a.jpg", comment=f"taken by hand {face}".encode())
        assert through(tmp_path, "a.jpg", "b.jpg").info["comment"] == b"taken by hand "
        return
    words = PngImagePlugin.PngInfo()
    if how == "international":
        words.add_itxt("thumb", face, zip=True)
    else:
        words.add_text("thumb", f"data:image/jpeg;base64,{face}", zip=how == "packed")
    words.add_text("Title", "a title", zip=True)
    Image.fromarray(PIXELS).save(tmp_path / "a.png", pnginfo=words)
    after: Any = through(tmp_path, "a.png", "b.png")
    assert after.text.pop("Title") == "a title" and list(after.text) == ["XML:com.adobe.xmp"]


def test_sizes_are_those_of_the_upright_picture(tmp_path: Path):
    tags = Image.Exif()
    tags[0x0112], tags[256], tags[257] = 6, 60, 40
    tags.get_ifd(0x8769).update({0xA002: 60, 0xA003: 40})
    sizes = 'exif:PixelXDimension="60" exif:PixelYDimension="40" tiff:Orientation="6"'
    about = packet(sizes, "<tiff:ImageWidth>60</tiff:ImageWidth>", exif="urn:exif", tiff="urn:tiff")
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", exif=tags, xmp=about)
    after = through(tmp_path, "a.jpg", "b.jpg")
    found = after.getexif()
    assert after.size == (40, 60) == (found[256], found[257])
    assert [found.get_ifd(0x8769)[tag] for tag in (0xA002, 0xA003)] == [40, 60]
    words = re.findall(rb"(?:Dimension|Width|Orientation)(?:=\"|>)(\d+)", after.info["xmp"])
    assert words == [b"40", b"60", b"1", b"40"]


def test_long_xmp_is_shortened_and_a_jpeg_stays_one(tmp_path: Path):
    space = "http://ns.adobe.com/photoshop/1.0/"
    ancestors = "".join(f"<rdf:li>xmp.did:{i:032x}</rdf:li>" for i in range(1200))
    inside = (
        f"<p:DocumentAncestors><rdf:Bag>{ancestors}</rdf:Bag></p:DocumentAncestors><p:City>Basel</p:City>"
    )
    long = packet("", inside, p=space)
    photo = Photo(PIXELS, origin=Origin(xmp=long))
    photo_writer.write(photo, tmp_path / "a.png")
    after = through(tmp_path, "a.png", "b.jpg").info["xmp"]
    assert b"Basel" in after and b"Ancestors" not in after
    padded = packet("", "<p:City>Basel</p:City>", p=space).replace(
        b"<?xpacket end", b" \n" * 40_000 + b"<?xpacket end"
    )
    assert len(xmp_packet.shortened(padded, 65000)) < 1000


def test_damaged_resources_and_exif_are_taken_as_far_as_they_go():
    whole = b"8BIM\x04\x04\0\0\0\0\0\x02ab"
    assert captions.current(whole + whole[:9]) == whole and captions.current(b"8BIM\0") is None
    assert captions.current(whole[:-1]) is None and captions.current(b"") is None
    for blob in (b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"II*\0\x08\0\0\0\xff\xff" + bytes(40)):
        assert exif.sized(blob, (1, 1)) is not None


def test_all_comments_stay(tmp_path: Path):
    data = jpeg()
    comments = b"".join(b"\xff\xfe" + struct.pack(">H", 2 + len(one)) + one for one in (b"one", b"two"))
    photo = image.read(io.BytesIO(data[:2] + comments + data[2:]))
    photo_writer.write(photo, tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.info["comment"] == b"one\ntwo"


def test_what_another_format_has_no_place_for_is_told(mien: Mien, tmp_path: Path):
    caption = b"\x1c\x02\x78\x00\x05Hello"
    resources = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption
    with Image.open(HOPPER) as picture:
        picture.save(tmp_path / "a.jpg", comment=b"mine", extra=captions.segments(resources))
    lost = {
        "a.png": "captions (IPTC)",
        "a.webp": "captions (IPTC), comment",
        "a.tif": "comment",
        "b.jpg": "",
    }
    for name, what in lost.items():
        said = mien("edit", tmp_path / "a.jpg", "--warmth", 0.5, "-o", tmp_path / name).err
        assert ("left out" in said) == bool(what) and f"left out: {what}\n" * bool(what) in said, said


def test_pictures_beside_the_picture_are_told(tmp_path: Path):
    pages = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue", "green")]
    for name in ("a.tif", "a.webp", "a.png"):
        pages[0].save(tmp_path / name, save_all=True, append_images=pages[1:])
        assert image.read(tmp_path / name).origin.left_out == (
            "2 more pictures, as pages, frames or previews",
        )
    pages[0].save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=pages[1:])
    assert image.read(tmp_path / "a.jpg").origin.left_out == (
        "2 more pictures, as pages, frames or previews",
    )
    hdr = bytearray(Path(tmp_path / "a.png").read_bytes())
    hdr[33:33] = captions.chunk(b"cICP", bytes((9, 16, 0, 1)))
    assert "HDR brightness (PQ)" in image.read(io.BytesIO(hdr)).origin.left_out[0]
    trailer = jpeg() + b"clip and all\x0c\0\0\0SEFT"
    (said,) = image.read(io.BytesIO(trailer)).origin.left_out
    assert "Samsung" in said
