"""What a file says of itself in plain metadata: the AIGC mark, its own and that of others."""

import json
from pathlib import Path

import av
import numpy as np
import pytest

from mien.io import clip_writer, declarations, photo_writer
from mien.io import photo_reader as image
from mien.io.content_credentials import verify
from mien.types import Photo, Step

KEYS = "Label ContentProducer ProduceID ReservedCode1 ContentPropagator PropagateID ReservedCode2".split()
STEP = Step("edit", {"smile": 0.5})
PIXELS = np.full((32, 40, 3), 90, np.uint8)
THEIRS = {**dict.fromkeys(KEYS, ""), "Label": "1", "ContentProducer": 'Some & "Co"', "ProduceID": "7"}


def theirs() -> bytes:
    text = json.dumps(THEIRS).replace("&", "&amp;").replace('"', "&quot;")
    body = f'<rdf:Description rdf:about="" xmlns:TC260="{declarations.TC260}" TC260:AIGC="{text}"/>'
    return declarations.HEAD + body.encode() + declarations.TAIL


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_photos_carry_the_mark(tmp_path: Path, suffix: str):
    path = tmp_path / f"out{suffix}"
    photo_writer.write(Photo(PIXELS, history=(STEP,)), path)
    verdict = verify(path)
    assert verdict.state == "intact" and set(verdict.aigc) == set(KEYS)
    assert verdict.aigc["Label"] == "1" and verdict.aigc["ContentProducer"] == "mien"
    packet = image.read(path).origin.xmp or b""
    assert packet.count(b"<TC260:AIGC>") == 1
    again = declarations.xmp(packet, (STEP,))  # of what is done next
    assert (
        again.count(b"<TC260:AIGC>") == 1
        and declarations.declared(again)["ProduceID"] != verdict.aigc["ProduceID"]
    )


def test_clips_carry_the_mark(tmp_path: Path):
    clip_writer.write([PIXELS] * 3, tmp_path / "out.mp4", fps=10, history=(STEP,))
    with av.open(str(tmp_path / "out.mp4")) as film:
        assert set(json.loads(film.metadata["AIGC"])) == set(KEYS)
    assert verify(tmp_path / "out.mp4").aigc["ContentProducer"] == "mien"


def test_a_mark_that_cannot_be_read_gives_way():
    body = f'<rdf:Description rdf:about="" xmlns:TC260="{declarations.TC260}" TC260:AIGC="no JSON"/>'
    packet = declarations.HEAD + body.encode() + declarations.TAIL
    after = declarations.xmp(packet, (STEP,))
    assert b"no JSON" not in after and declarations.declared(after)["ContentProducer"] == "mien"
    assert declarations.is_anothers(json.dumps(THEIRS))
    assert not declarations.is_anothers("no JSON") and not declarations.is_anothers(declarations.aigc())


def test_the_mark_of_another_producer_is_read_and_kept():
    assert declarations.declared(theirs()) == THEIRS
    assert declarations.declared(declarations.xmp(theirs(), (STEP,))) == THEIRS
    assert b"mien" in declarations.xmp(theirs(), (STEP,))
    single = theirs().replace(b'"', b"'")  # as exiftool writes attributes
    assert single.partition(b"</rdf:RDF>")[0] in declarations.xmp(single, (STEP,))


@pytest.mark.parametrize(
    "text", [b"", b"AIGC", b'AIGC {"Label"', b'AIGC "Label"', b'AIGC {"Label": [1', b'AIGC{"Label":{}}']
)
def test_what_is_no_mark(text: bytes):
    assert declarations.declared(text) == {}
