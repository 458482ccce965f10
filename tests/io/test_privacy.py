"""What `--private` leaves out of a photo or clip, and what stays."""

from pathlib import Path

import av
import numpy as np
import pytest
from conftest import Mien
from faces import HOPPER, hopper
from films import film
from PIL import ExifTags, Image

from mien.io import photo_reader as image
from mien.io import photo_writer
from mien.io.content_credentials import verify
from mien.types import Origin, Photo, Step

XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:aux="http://ns.adobe.com/exif/1.0/aux/" '
    b'xmlns:dc="http://purl.org/dc/elements/1.1/" exif:GPSLatitude="48,51N" aux:SerialNumber="4711" dc:format="image/jpeg"/>'
    b"</rdf:RDF></x:xmpmeta>"
)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Artist] = "Maker", "Ann"
    exif[ExifTags.IFD.Exif] = {
        0x9003: "2026:11:29 10:00:00",
        0xA431: "4711",
        0xA435: "0815",
        0x927C: b"note 4711",
    }
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (48.0, 51.0, 0.0)}
    with Image.open(HOPPER) as picture:
        picture.save(tmp_path / "in.jpg", exif=exif, xmp=XMP, comment=b"at home, 7 Elm Street")
    return tmp_path / "in.jpg"


def test_place_and_serials_go_and_the_label_stays(mien: Mien, photo: Path, tmp_path: Path):
    for name, flags in (("open.jpg", []), ("private.jpg", ["--private"])):
        assert mien("edit", photo, "--warmth", 0.3, "-o", tmp_path / name, *flags).code == 0
    data = {name: (tmp_path / name).read_bytes() for name in ("open.jpg", "private.jpg")}
    for trace in (b"4711", b"0815", b"48,51N", b"Elm Street"):
        assert trace in data["open.jpg"] and trace not in data["private.jpg"]
    with Image.open(tmp_path / "private.jpg") as picture:
        exif = picture.getexif()
    assert not exif.get_ifd(ExifTags.IFD.GPSInfo) and exif[ExifTags.Base.Make] == "Maker"
    assert (
        exif.get_ifd(ExifTags.IFD.Exif)[0x9003] == "2026:11:29 10:00:00"
        and exif[ExifTags.Base.Artist] == "Ann"
    )
    verdict = verify(tmp_path / "private.jpg")
    assert verdict.state == "intact" and verdict.history[-1].arguments["warmth"] == 0.3 and verdict.aigc


@pytest.mark.parametrize("verb", ["frontalise", "sketch"])
def test_what_is_made_of_a_photo_tells_no_more(mien: Mien, photo: Path, tmp_path: Path, verb: str):
    for name, flags in (("open.jpg", []), ("private.jpg", ["--private"])):
        assert mien(verb, photo, "-o", tmp_path / name, *flags).code == 0
    assert b"4711" in (tmp_path / "open.jpg").read_bytes()
    assert b"4711" not in (tmp_path / "private.jpg").read_bytes()


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
def test_other_formats(photo: Path, tmp_path: Path, suffix: str):
    read = image.read(photo)
    out = tmp_path / f"out{suffix}"
    photo_writer.write(read.after(Step("edit", {}), read.pixels), out, private=True)
    assert b"4711" not in out.read_bytes() and image.read(out).origin.exif


def test_of_a_clip_place_time_and_device_go(mien: Mien, tmp_path: Path):
    said = {"title": "A day", "artist": "Ann", "location": "+48.8577+002.2950/", "make": "Maker 4711"}
    apple = {"location.ISO6709": "+48.8577+002.2950+035/", "model": "Phone 4711", "author": "Ann"}
    apple |= {"creationdate": "2026-11-29T10:00:00+0100", "content.identifier": "4711"}
    said |= {f"com.apple.quicktime.{name}": value for name, value in apple.items()}
    said |= {"creation_time": "2026-11-29T09:00:00Z", "AIGC": '{"Label": "1", "ContentProducer": "other"}'}
    options = {"movflags": "use_metadata_tags"}
    source = film(tmp_path / "in.mov", [hopper().pixels] * 3, options=options, metadata=said)
    for name, flags in (("open.mp4", []), ("private.mp4", ["--private"])):
        assert mien("edit", source, "--warmth", 0.3, "-o", tmp_path / name, *flags).code == 0
    data = {name: (tmp_path / name).read_bytes() for name in ("open.mp4", "private.mp4")}
    for trace in (b"4711", b"48.8577", b"2026-11-29T"):
        assert trace in data["open.mp4"] and trace not in data["private.mp4"]
    with av.open(str(tmp_path / "private.mp4")) as after:
        assert not after.streams.video[0].metadata.get("creation_time")
        left = {name: value for name, value in after.metadata.items() if name in said}
    assert left == {name: said[name] for name in ("title", "artist", "com.apple.quicktime.author", "AIGC")}
    verdict = verify(tmp_path / "private.mp4")
    assert verdict.state == "intact" and verdict.history[-1].arguments["warmth"] == 0.3


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_is_left_out(tmp_path: Path):
    photo = Photo(np.zeros((8, 8, 3), np.uint8), origin=Origin(exif=b"II*\0\xff\xff\xff\xff"))
    photo_writer.write(photo, tmp_path / "out.png", private=True)
    assert image.read(tmp_path / "out.png").origin.exif is None
