"""The label: what it says, that nothing in the file can be changed without it showing, and whose key it is
signed with."""

from __future__ import annotations

import datetime
import json
import multiprocessing
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from PIL import Image

from mien.errors import InputError, OutputError, RequestError
from mien.io import certificate as signer
from mien.io import clip_writer, declarations, photo_writer
from mien.io import content_credentials as provenance
from mien.io import photo_reader as image
from mien.types import Array, Origin, Photo, Source, Step

SUFFIXES = [".jpg", ".png", ".webp", ".tif"]
SMILE = Step(
    "edit",
    {"smile": 0.8, "regions": [1, 2]},
    (("retoucher", "ab" * 32), ("finder", "cd" * 32)),
    "0.1.0",
    "2026-01-01T00:00:00Z",
)
AGE = Step("edit", {"age": 60, "note": None}, (("retoucher", "ab" * 32),), "0.1.0", "2026-01-02T00:00:00Z")
FACE = Step(
    "generate",
    {"seed": 7},
    (("generator", "ef" * 32),),
    "0.1.0",
    "2026-01-03T00:00:00Z",
    "trainedAlgorithmicMedia",
)
OWN = "mien self-signed (this computer)"


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("MIEN_HOME", str(folder))
    for name in ("MIEN_SIGN_CERT", "MIEN_SIGN_KEY", "MIEN_TRUST"):
        monkeypatch.delenv(name, raising=False)
    return folder


def pixels() -> Array:
    y, x = np.mgrid[:48, :64]
    noise = np.random.default_rng(0).integers(0, 9, (48, 64, 3))
    return (np.stack([x * 3, y * 4, x + y], axis=-1) + noise).astype(np.uint8)


def labelled(path: Path, *steps: Step) -> Path:
    photo_writer.write(Photo(pixels(), history=steps or (SMILE,)), path)
    return path


def edited(source: Path, target: Path, step: Step) -> Path:
    photo = image.read(source)
    photo_writer.write(photo.after(step, photo.pixels), target)
    return target


# ---- what the label says


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_steps_come_back(tmp_path: Path, suffix: str):
    photo_writer.write(Photo(pixels()), tmp_path / f"in{suffix}")
    assert provenance.verify(tmp_path / f"in{suffix}").state == "unlabelled"
    photo = image.read(tmp_path / f"in{suffix}")
    photo_writer.write(photo.after(SMILE, photo.pixels).after(AGE, photo.pixels), tmp_path / f"out{suffix}")
    verdict = provenance.verify(tmp_path / f"out{suffix}")
    assert verdict.state == "intact" and verdict.reasons == () and verdict.found_by == "manifest"
    assert verdict.history == (SMILE, AGE) and verdict.time == AGE.time
    assert verdict.signer == OWN and not verdict.trusted
    assert verdict.source_type == "compositeWithTrainedAlgorithmicMedia" and verdict.ingredients == (
        f"in{suffix}",
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_label_changes_no_pixel_and_keeps_the_rest(tmp_path: Path, suffix: str):
    photo_writer.write(Photo(pixels()), tmp_path / f"plain{suffix}")
    plain, signed = (
        image.read(tmp_path / f"plain{suffix}"),
        image.read(labelled(tmp_path / f"signed{suffix}")),
    )
    assert np.array_equal(plain.pixels, signed.pixels)
    assert signed.origin.xmp and b"compositeWithTrainedAlgorithmicMedia" in signed.origin.xmp


def test_sixteen_bits_with_opacity(tmp_path: Path):
    deep = pixels().astype(np.uint16) * 257
    for suffix in (".png", ".tif"):
        photo_writer.write(Photo(deep, deep[..., 0], (SMILE,)), tmp_path / f"a{suffix}")
        assert provenance.verify(tmp_path / f"a{suffix}").state == "intact"
        assert np.array_equal(image.read(tmp_path / f"a{suffix}").pixels, deep)


@pytest.mark.parametrize(
    ("first", "second"), [(".jpg", ".jpg"), (".png", ".webp"), (".tif", ".jpg"), (".webp", ".png")]
)
def test_the_manifest_of_the_input_is_kept(tmp_path: Path, first: str, second: str):
    a = labelled(tmp_path / f"a{first}")
    verdict = provenance.verify(edited(a, tmp_path / f"b{second}", AGE))
    assert verdict.state == "intact" and verdict.history == (SMILE, AGE)
    assert verdict.ingredients == (f"a{first}, labelled by {OWN}",)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_long_chain_is_told_whole(tmp_path: Path, suffix: str):
    """A manifest of more than 64 kB, which JPEG holds in several segments."""
    path = labelled(tmp_path / f"0{suffix}", Step("edit", {"note": "x" * 70000}))
    for i in range(1, 4):
        path = edited(path, tmp_path / f"{i}{suffix}", AGE)
    verdict = provenance.verify(path)
    assert verdict.state == "intact" and len(verdict.history) == 4 and len(verdict.ingredients) == 3
    data = path.read_bytes()
    for place in range(0, 140000, 6007):
        path.write_bytes(data[:place] + bytes([data[place] ^ 2]) + data[place + 1 :])
        assert provenance.verify(path).state == "broken", place


@pytest.mark.parametrize("mark", [b"c2pa.assertions", b"c2pa.created", b"c2cs", b"cbor\xd2"])
def test_a_parent_with_a_damaged_label_is_told_and_stops_nothing(tmp_path: Path, mark: bytes):
    a = labelled(tmp_path / "a.jpg")
    data = a.read_bytes()
    a.write_bytes(data.replace(mark, b"\xff" + mark[1:]))
    verdict = provenance.verify(edited(a, tmp_path / "b.jpg", AGE))
    assert (
        verdict.state == "intact"
        and verdict.history[-1] == AGE
        and "already broken" in verdict.ingredients[0]
    )


def test_a_label_that_is_kept_elsewhere_is_no_broken_one(tmp_path: Path):
    """As Adobe's "publish to cloud" leaves a photo: with the address of its label in XMP, and none in the file."""
    packet = declarations.xmp(None, (FACE,)).replace(b">mien<", b">another<")
    packet = packet.replace(
        b"<rdf:Description ",
        b'<rdf:Description xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="http://127.0.0.1:9/x" ',
    )
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", xmp=packet)
    verdict = provenance.verify(tmp_path / "a.jpg")
    assert verdict.state == "unlabelled" and "http://127.0.0.1:9/x" in verdict.reasons[0]
    verdict = provenance.verify(edited(tmp_path / "a.jpg", tmp_path / "b.jpg", AGE))
    assert verdict.state == "intact"
    assert verdict.ingredients == ("a.jpg, its label is kept elsewhere and was not looked at",)
    assert b"dcterms:provenance" not in (tmp_path / "b.jpg").read_bytes()


def test_one_damaged_label_spoils_no_other(tmp_path: Path):
    """Of a parent whose label is good, and a picture whose style was taken and whose label is not."""
    a, bad = labelled(tmp_path / "a.jpg"), labelled(tmp_path / "bad.jpg")
    bad.write_bytes(bad.read_bytes().replace(b"c2pa.assertions", b"\xff2pa.assertions"))
    step = replace(AGE, sources=(Source("bad.jpg", "style", path=str(bad)),))
    verdict = provenance.verify(edited(a, tmp_path / "b.jpg", step))
    assert verdict.state == "intact" and len(verdict.history) == 2
    assert verdict.ingredients == (f"a.jpg, labelled by {OWN}", "bad.jpg, its label was already broken")


def test_a_broken_parent_is_told(tmp_path: Path):
    a = labelled(tmp_path / "a.jpg")
    data = bytearray(a.read_bytes())
    data[-40] ^= 1  # in the pixels
    a.write_bytes(data)
    verdict = provenance.verify(edited(a, tmp_path / "b.jpg", AGE))
    assert verdict.state == "intact" and "already broken" in verdict.ingredients[0]


def test_a_generated_picture_and_one_from_memory(tmp_path: Path):
    import c2pa  # pyright: ignore[reportMissingTypeStubs]

    wholly = provenance.verify(labelled(tmp_path / "a.jpg", FACE))
    assert (
        wholly.state == "intact"
        and wholly.source_type == "trainedAlgorithmicMedia"
        and wholly.history == (FACE,)
    )
    with c2pa.Reader(labelled(tmp_path / "b.jpg")) as reader:
        manifest = reader.get_active_manifest() or {}
    actions = next(
        part["data"]["actions"] for part in manifest["assertions"] if part["label"].startswith("c2pa.actions")
    )
    assert [action["action"] for action in actions] == ["c2pa.created", "c2pa.edited"]
    assert "from memory" in actions[0]["description"]
    assert (
        actions[1]["softwareAgent"] == {"name": "mien", "version": "0.1.0"}
        and actions[1]["when"] == SMILE.time
    )
    assert json.loads(actions[1]["parameters"][provenance.STEP])["networks"][0] == ["retoucher", "ab" * 32]
    assert "thumbnail" not in manifest and manifest["instance_id"].startswith("xmp")


def test_heic_input_is_the_parent(tmp_path: Path):
    heif = pytest.importorskip("pillow_heif")
    heif.from_pillow(Image.fromarray(pixels())).save(tmp_path / "a.heic", quality=95)
    assert provenance.verify(edited(tmp_path / "a.heic", tmp_path / "b.jpg", SMILE)).ingredients == (
        "a.heic",
    )


def test_xmp_of_the_input_is_added_to():
    rdf = b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">%s</rdf:RDF>'
    before = b'<rdf:Description xmlns:dc="x" dc:title="mine" Iptc4xmpExt:DigitalSourceType="old"/>'
    packet = declarations.xmp(declarations.xmp(rdf % before, (SMILE,)), (FACE,))
    assert b'dc:title="mine"' in packet and b"old" not in packet
    assert packet.count(b"<Iptc4xmpExt:DigitalSourceType>") == 1 and b"/trainedAlgorithmicMedia<" in packet
    assert declarations.xmp(b"not xmp", (SMILE,)).startswith(b"<?xpacket")


# ---- that nothing can be changed


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_flipped_bit_anywhere_is_seen(tmp_path: Path, suffix: str):
    """Of a file with a parent's manifest; every 61st byte, which reaches all parts. Every byte was tried when
    this was written."""
    path = edited(labelled(tmp_path / f"a{suffix}"), tmp_path / f"b{suffix}", AGE)
    data = path.read_bytes()
    seen = set()
    for place in range(0, len(data), 61):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        if provenance.verify(path).state != "broken":
            seen.add(place)
    assert not seen


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_byte_around_the_manifest_is_guarded(tmp_path: Path, suffix: str):
    """The bytes that C2PA itself leaves out of its hashes: box heads, the container's, the padding of the
    signature."""
    path = labelled(tmp_path / f"a{suffix}")
    data = path.read_bytes()
    start, pad = data.index(b"jumb"), data.index(b"cpad")
    for place in (*range(start - 16, start + 60), *range(pad - 8, pad + 12), pad + 500):
        changed = bytearray(data)
        changed[place] ^= 0x40
        path.write_bytes(changed)
        assert provenance.verify(path).state == "broken", place


def test_nothing_can_be_changed_or_put_into_a_clip(tmp_path: Path):
    """Of a clip with a parent's label, too: C2PA's hash leaves whole boxes of an MP4 out."""
    a, path = tmp_path / "a.mp4", tmp_path / "b.mp4"
    clip_writer.write([pixels()] * 6, a, fps=30, history=(FACE,))
    clip_writer.write([pixels()] * 6, tmp_path / "raw.mp4", fps=30, history=(FACE,))
    with (tmp_path / "raw.mp4").open("rb") as raw, path.open("wb+") as out:
        origin = Origin(path=str(a), format="video/mp4")
        provenance.sign(raw, out, "video/mp4", (SMILE,), origin)
    data = path.read_bytes()
    assert provenance.verify(a).state == provenance.verify(path).state == "intact"
    free = data.index(b"\0\0\0\x08free")
    boxes = [b"\0\0\0\x10" + kind + b"EVILDATA" for kind in (b"free", b"skip", b"mfra", b"uuid", b"ftyp")]
    changed = [data + box for box in boxes]
    changed += [data[:free] + box + data[free:] for box in boxes] + [
        data[:free] + data[free + 8 :],
        data[:-8],
    ]
    changed += [data.replace(b"ftypisom", b"ftypevil"), data.replace(b"iso2avc1", b"iso2evil")]
    for place in (*range(80), *range(80, free + 16, 23), *range(free + 16, len(data), 997)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        changed.append(bytes(flipped))
    for number, one in enumerate(changed):
        path.write_bytes(one)
        try:
            state = provenance.verify(path).state
        except InputError:  # no film any more
            state = "broken"
        assert state == "broken", number
    label = data.index(provenance.FILM_BOX) + 16
    for place in range(label, label + 160, 3):  # still a film, with a label that is none
        flipped = bytearray(data)
        flipped[place] ^= 1 << place % 8
        path.write_bytes(bytes(flipped))
        assert provenance.verify(path).state == "broken", place - label


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated_and_appended(tmp_path: Path, suffix: str):
    path = labelled(tmp_path / f"a{suffix}")
    data = path.read_bytes()
    for changed in (data[:-1], data[: len(data) // 2], data + b"\0"):
        path.write_bytes(changed)
        assert provenance.verify(path).state == "broken"


def test_a_label_cut_out_is_noticed(tmp_path: Path):
    """Saved again by a program that keeps XMP but knows no C2PA."""
    Image.open(labelled(tmp_path / "a.jpg")).save(
        tmp_path / "b.jpg", xmp=image.read(tmp_path / "a.jpg").origin.xmp or b""
    )
    verdict = provenance.verify(tmp_path / "b.jpg")
    assert verdict.state == "broken" and verdict.found_by == "metadata" and "removed" in verdict.reasons[0]
    assert verdict.source_type == "compositeWithTrainedAlgorithmicMedia"


def test_the_metadata_of_others_is_not_a_broken_label(tmp_path: Path):
    packet = (declarations.xmp(None, (FACE,))).replace(b">mien<", b">another<")
    Image.fromarray(pixels()).save(tmp_path / "a.jpg", xmp=packet)
    verdict = provenance.verify(tmp_path / "a.jpg")
    assert verdict.state == "unlabelled" and verdict.source_type == "trainedAlgorithmicMedia"


def test_files_of_other_tools(tmp_path: Path):
    import c2pa  # pyright: ignore[reportMissingTypeStubs]

    Image.fromarray(pixels()).save(tmp_path / "a.jpg")
    algorithm, chain, key = signer.credentials()
    hand = c2pa.Signer.from_info(c2pa.C2paSignerInfo(algorithm, chain, key, None))  # pyright: ignore
    created = {
        "action": "c2pa.created",
        "digitalSourceType": declarations.SOURCE_TYPE + "digitalCapture",
        "when": "2025-05-05T05:05:05Z",
    }
    manifest = {
        "claim_generator_info": [{"name": "camera", "version": "1"}],
        "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
    }
    with c2pa.Builder(manifest) as builder:
        builder.sign_file(tmp_path / "a.jpg", tmp_path / "b.jpg", hand)
    verdict = provenance.verify(tmp_path / "b.jpg")
    assert verdict.state == "intact" and verdict.history == () and verdict.source_type == "digitalCapture"
    assert provenance.verify(edited(tmp_path / "b.jpg", tmp_path / "c.jpg", SMILE)).history == (SMILE,)


def test_steps_that_are_none_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Anybody can write a label; what it says is taken for a step only where it is one."""
    good = provenance.told(SMILE)
    deep: Any = []
    for _ in range(400):
        deep = [deep]
    harmed: list[dict[str, Any]] = [
        good | {"arguments": ["smile", 1]},
        good | {"arguments": None},
        good | {"arguments": {"smile": deep}},
        good | {"networks": [["finder", 7]]},
        good | {"networks": 5},
        good | {"networks": [[["a"], {}]]},
        good | {"notes": [None]},
        good | {"notes": 3},
        good | {"sources": [{"title": 1, "role": "style"}]},
        good | {"sources": ["x"]},
        good | {"time": 5},
        good | {"verb": ["edit"]},
        good | {"source_type": {}},
        good | {"version": None},
    ]
    for number, told in enumerate(harmed):
        monkeypatch.setattr(provenance, "told", lambda _, told=told: told)
        verdict = provenance.verify(labelled(tmp_path / f"{number}.png"))
        assert verdict.state == "intact" and verdict.history == (), told
    for text in ("[" * 200_000, "5", "null", "{}", '{"networks": []}', None, 7, ["x"]):
        assert provenance._step(text) is None  # pyright: ignore[reportPrivateUsage]


def test_what_cannot_be_verified(tmp_path: Path):
    (tmp_path / "a.txt").write_text("hello")
    (tmp_path / "b.jpg").write_bytes(b"")
    (tmp_path / "c.mpg").write_bytes(b"\0\0\1\xba" + bytes(99))
    (tmp_path / "d.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(99))
    for name, said in (
        ("none.jpg", "no such file"),
        ("a.txt", "is a text file, which can carry no label"),
        ("b.jpg", "empty"),
        ("c.mpg", "is an MPEG video, which can carry no label"),
        ("d.png", "is damaged"),
        (".", "is a folder"),
    ):
        with pytest.raises(InputError, match=said):
            provenance.verify(tmp_path / name)


# ---- keys


def test_the_key_is_private_and_stays(tmp_path: Path, home: Path):
    labelled(tmp_path / "a.jpg")
    key = home / "signing" / "key.pem"
    before = key.read_bytes()
    if os.name != "nt":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600 and stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    labelled(tmp_path / "b.jpg")
    assert key.read_bytes() == before and [path.name for path in home.iterdir()] == ["signing"]


def _race(home: str) -> tuple[bytes, bytes]:
    os.environ["MIEN_HOME"] = home
    return signer.credentials()[1:]


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch):
    def none(*_: Any, **__: Any) -> str:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("MIEN_HOME")
    monkeypatch.setattr("platformdirs.user_data_dir", none)
    with pytest.raises(OutputError, match="set MIEN_HOME"):
        signer.credentials()


@pytest.mark.parametrize("days", [2, -365 * 30])
def test_a_wrong_clock_at_first_use_spoils_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int
):
    class Wrong(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return super().now(tz) + datetime.timedelta(days)

    with monkeypatch.context() as patch:
        patch.setattr(datetime, "datetime", Wrong)
        signer.credentials()
    assert provenance.verify(labelled(tmp_path / "a.jpg")).state == "intact"


def test_a_key_of_ones_own_that_is_spoilt_can_be_made_anew(tmp_path: Path, home: Path):
    (home / "signing").mkdir()
    labelled(tmp_path / "a.jpg")
    (home / "signing" / "certificate.pem").write_text("")
    with pytest.raises(RequestError, match=r"delete .*signing"):
        labelled(tmp_path / "b.jpg")
    (home / "signing" / "certificate.pem").unlink()
    with pytest.raises(RequestError, match=r"delete .*signing"):
        labelled(tmp_path / "b.jpg")


def test_processes_that_race_for_the_key_agree(home: Path):
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(_race, [str(home)] * 8, chunksize=1)
    assert len(set(found)) == 1 and [path.name for path in home.iterdir()] == ["signing"]


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MIEN_HOME", str(tmp_path / "file"))
    with pytest.raises(OutputError, match="MIEN_HOME"):
        labelled(tmp_path / "a.jpg")
    assert not (tmp_path / "a.jpg").exists()


KEYS = {
    "es256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "es384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ps256": lambda: rsa.generate_private_key(65537, 2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
}


def authority(folder: Path, kind: str, usage: bool = True) -> tuple[Path, Path, Path]:
    """A test authority: files of the chain of a photographer, of the key, and of the root."""
    start = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
    root, leaf = ec.generate_private_key(ec.SECP256R1()), KEYS[kind]()

    def name(common: str) -> x509.Name:
        return x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test"),
                x509.NameAttribute(NameOID.COMMON_NAME, common),
            ]
        )

    def certificate(subject: str, public: Any, is_root: bool) -> bytes:
        builder = x509.CertificateBuilder(
            name("Root"),
            name(subject),
            public,
            x509.random_serial_number(),
            start,
            start + datetime.timedelta(days=9),
        )
        flags = x509.KeyUsage(not is_root, False, False, False, False, is_root, is_root, False, False)
        builder = builder.add_extension(x509.BasicConstraints(is_root, None), True).add_extension(flags, True)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root.public_key()), False
        )
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), False)
        if usage and not is_root:
            builder = builder.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False
            )
        return builder.sign(root, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    files = folder / "chain.pem", folder / "key.pem", folder / "root.pem"
    top = certificate("Root", root.public_key(), True)
    files[0].write_bytes(certificate("A Photographer", leaf.public_key(), False) + top)
    kind_of_file = (
        serialization.PrivateFormat.TraditionalOpenSSL
        if kind.startswith("es")
        else serialization.PrivateFormat.PKCS8
    )
    files[1].write_bytes(
        leaf.private_bytes(serialization.Encoding.PEM, kind_of_file, serialization.NoEncryption())
    )
    files[2].write_bytes(top)
    return files


@pytest.mark.parametrize("kind", KEYS)
def test_a_certificate_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path, kind: str):
    chain, key, root = authority(tmp_path, kind)
    monkeypatch.setenv("MIEN_SIGN_CERT", str(chain))
    monkeypatch.setenv("MIEN_SIGN_KEY", str(key))
    verdict = provenance.verify(labelled(tmp_path / "a.jpg"))
    assert verdict.state == "intact" and verdict.signer == "A Photographer" and not verdict.trusted
    assert not list(home.iterdir())
    monkeypatch.setenv("MIEN_TRUST", str(root))
    assert provenance.verify(tmp_path / "a.jpg").trusted


def test_certificates_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "other").mkdir()
    chain, key, _ = authority(tmp_path, "es256")
    stranger = authority(tmp_path / "other", "es256")[1]
    (tmp_path / "text.pem").write_text("no certificate")
    for certificate, secret, said in (
        (chain, None, "go together"),
        (chain, tmp_path / "missing.pem", "MIEN_SIGN_KEY"),
        (tmp_path / "text.pem", key, "PEM"),
        (chain, stranger, "does not belong"),
    ):
        monkeypatch.setenv("MIEN_SIGN_CERT", str(certificate))
        monkeypatch.setenv("MIEN_SIGN_KEY", str(secret or ""))
        with pytest.raises(RequestError, match=said):
            labelled(tmp_path / "a.jpg")
    assert not (tmp_path / "a.jpg").exists()


def test_a_certificate_that_c2pa_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    chain, key, _ = authority(tmp_path, "es256", usage=False)
    monkeypatch.setenv("MIEN_SIGN_CERT", str(chain))
    monkeypatch.setenv("MIEN_SIGN_KEY", str(key))
    with pytest.raises(OutputError, match="MIEN_SIGN_CERT"):
        labelled(tmp_path / "a.jpg")
    assert not (tmp_path / "a.jpg").exists()


def test_what_else_took_part_is_named(tmp_path: Path):
    """A picture whose style was taken is an ingredient, with its own label; where it lies on this computer is
    not told."""
    style = labelled(tmp_path / "style.jpg", AGE)
    source = Source("style.jpg", "style", "ab" * 32, str(style))
    lost = Source("gone.jpg", "identity", "cd" * 32, str(tmp_path / "gone.jpg"))
    out = labelled(tmp_path / "out.png", replace(SMILE, sources=(source, lost), consent="agreed by mail"))
    verdict = provenance.verify(out)
    assert verdict.state == "intact" and verdict.history[-1].consent == "agreed by mail"
    assert [(one.title, one.role, one.path) for one in verdict.history[-1].sources] == [
        ("style.jpg", "style", ""),
        ("gone.jpg", "identity", ""),
    ]
    assert set(verdict.ingredients) == {f"style.jpg, labelled by {OWN}", "gone.jpg"}
    assert str(tmp_path).encode() not in out.read_bytes()


def test_a_label_of_a_newer_mien_is_read():
    told = {"schema": 1, "verb": "edit", "arguments": {}, "networks": [], "unheard_of": 3}
    action = {"parameters": {provenance.STEP: json.dumps(told)}}
    manifest = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [action]}}]}
    assert provenance._history({}, manifest, [])[0].verb == "edit"  # pyright: ignore[reportPrivateUsage]
