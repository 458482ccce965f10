"""Effect packs: those in the box, where their layers lie, what is hidden, what triggers them, labels, and packs that are
none."""

import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from conftest import Mien
from faces import ROOT, collins, hopper, kit, opened
from films import decoded, film

from mien import Photo, edit, edit_clip, verbs
from mien.edits import styles
from mien.edits.effect_art import Scene
from mien.edits.effect_pack import Pack, boxed, read
from mien.edits.effect_paint import Paint
from mien.edits.effect_stickers import Stickers
from mien.edits.effects import at_time, drawn_by
from mien.errors import InputError, RequestError
from mien.face import geometry, mesh, topology
from mien.types import Alignment, Array, Change, Crop

BOX = ROOT / "src/mien/data/effects"
RED, PLAIN = (220, 20, 20), 150


def png(pixels: Array) -> bytes:
    """RGBA as a PNG."""
    return cv2.imencode(".png", cv2.cvtColor(pixels, cv2.COLOR_RGBA2BGRA))[1].tobytes()


def colour(rgb: tuple[int, int, int] = RED, side: int = 64) -> Array:
    return np.full((side, side, 4), (*rgb, 255), np.uint8)


def put(folder: Path, layers: Any, **pictures: Array) -> Path:
    """A pack."""
    folder.mkdir(exist_ok=True)
    (folder / "effect.json").write_text(json.dumps({"mien": 1, "layers": layers}), encoding="utf-8")
    for name, pixels in pictures.items():
        (folder / f"{name}.png").write_bytes(png(pixels))
    return folder


@cache
def aligned(template: str, size: int) -> Crop:
    photo, face = collins()
    return geometry.align(photo.pixels, face.landmarks, Alignment(template, size), face.depth)


def turned(crop: Crop, degrees: float) -> Crop:
    """The face as if the head had turned to the picture's right, before grey."""
    assert crop.depth is not None
    solid, middle = Scene(crop, np.zeros((0, 3), int)).solid, crop.landmarks[list(topology.EXTREMES)].mean(0)
    away = solid[list(topology.EXTREMES[:2]), 2].mean()
    x, z = solid[:, 0] - middle[0], solid[:, 2] - away
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    points = np.column_stack([c * x - s * z + middle[0], solid[:, 1]]).astype(np.float32)
    grey = np.full_like(crop.pixels, PLAIN)
    return replace(crop, pixels=grey, landmarks=points, depth=(s * x + c * z + away).astype(np.float32))


def drawn(pack: Pack, crop_of: Callable[[Alignment], Crop], share: float = 1.0) -> list[Change]:
    return [one(crop_of(one.alignment)) for one in drawn_by(pack, share, kit())]


def straight(layout: Alignment) -> Crop:
    return aligned(layout.template, layout.size)


# ---- the box


def test_the_box_has_every_effect_that_has_a_name():
    assert {one.name for one in BOX.iterdir()} == set(styles.EFFECTS) and len(styles.EFFECTS) >= 10
    assert sum(one.stat().st_size for one in BOX.rglob("*.*")) < 500_000
    for name in styles.EFFECTS:
        told = json.loads((BOX / name / "effect.json").read_text(encoding="utf-8"))
        assert told["name"] == styles.EFFECTS[name] and told["licence"] == "Apache-2.0"


@pytest.mark.parametrize("name", styles.EFFECTS)
def test_every_effect_in_the_box_is_drawn_on_the_head(name: str):
    """Seen, finite, and nothing of it at the border of a crop."""
    for change in drawn(boxed(name), straight):
        assert np.isfinite(change.colour).all() and change.kind == "overlay" and not change.flow.any()
        assert (change.alpha > 0.3).sum() > 300, "something is seen"
        assert not change.alpha[[0, -1]].any() and not change.alpha[:, [0, -1]].any()


# ---- paint


def test_paint_lies_where_the_map_says(tmp_path: Path):
    """A patch on one cheek of the map is on that cheek, and on no other."""
    face, uv = np.zeros((256, 256, 4), np.uint8), kit().shapes.uv
    cv2.circle(face, np.rint(uv[50] * 256).astype(int).tolist(), 14, (*RED, 255), -1)
    (change,) = drawn(
        read(put(tmp_path / "p", [{"kind": "texture", "image": "face.png"}], face=face)), straight
    )
    reddened = change.alpha * np.clip(change.colour[..., 0] - change.colour[..., 1], 0, 1) > 0.1
    rows, columns = np.nonzero(reddened)
    points = straight(Paint.alignment).landmarks
    assert np.hypot(columns.mean() - points[50, 0], rows.mean() - points[50, 1]) < 6 and len(rows) > 200
    assert columns.max() < points[4, 0]


def test_eyes_and_mouth_stay_free_of_paint(tmp_path: Path):
    (change,) = drawn(
        read(put(tmp_path / "p", [{"kind": "texture", "image": "face.png"}], face=colour())), straight
    )
    points = straight(Paint.alignment).landmarks
    for outline in topology.EYELIDS:
        eye = mesh.polygon_mask(points, outline, Paint.alignment.size, 0.5) > 0.99
        assert eye.sum() > 50 and np.abs(change.colour[eye]).mean() < 0.06
    assert np.abs(change.colour[tuple(points[50, ::-1].astype(int))]).max() > 0.2


@pytest.mark.parametrize("degrees", [50.0, -50.0])
def test_the_hidden_side_of_a_turned_face_is_not_painted(tmp_path: Path, degrees: float):
    """Of a map whose sides are red and blue the side that is turned away is hardly seen."""
    face = colour()
    face[:, 32:] = (20, 20, 220, 255)
    pack = read(put(tmp_path / "p", [{"kind": "texture", "image": "face.png"}], face=face))
    (change,) = drawn(pack, lambda layout: turned(straight(layout), degrees))
    redder = (change.colour[..., 0] - change.colour[..., 2]) * change.alpha
    left, right = float((redder > 0.1).sum()), float((redder < -0.1).sum())
    assert left + right > 8000
    assert (left > 3 * right) if degrees > 0 else (right > 3 * left)


def test_paint_takes_the_light_and_leaves_the_pores(tmp_path: Path):
    """White paint is darker in the dark; what is finer than a pore stays."""
    pack = read(put(tmp_path / "p", [{"kind": "texture", "image": "face.png"}], face=colour((255, 255, 255))))
    crop = straight(Paint.alignment)
    levels = []
    for gain in (1.0, 0.3):
        dim = replace(crop, pixels=np.rint(crop.pixels * gain).astype(np.uint8))
        (change,) = drawn(pack, lambda _, dim=dim: dim)
        cheek = mesh.polygon_mask(crop.landmarks, (50, 205, 36, 101), crop.size, 1) > 0.9
        after = dim.pixels / 255 + change.colour * change.alpha[..., None]
        levels.append(float(after[cheek].mean()))
        fine = [one - cv2.GaussianBlur(one, (0, 0), 1.5) for one in (dim.pixels[..., 1] / 255, after[..., 1])]
        assert np.corrcoef(fine[0][cheek], fine[1][cheek])[0, 1] > 0.8
    assert 0.15 < levels[1] < 0.7 * levels[0] and levels[0] > 0.6


# ---- stickers


def sticker(tmp_path: Path, **about: Any) -> Pack:
    """A red square of 30 mm at the tip of the nose."""
    row: dict[str, Any] = {"kind": "sticker", "image": "s.png", "at": [4], "width": 30, "offset": [0, 0, -3]}
    return read(put(tmp_path / "s", [row | about], s=colour()))


def width_of(change: Change) -> float:
    return float(np.ptp(np.nonzero((change.alpha > 0.5).any(0))[0]))


def test_a_sticker_turns_with_the_head_or_looks_at_the_camera(tmp_path: Path):
    widths = {}
    for faces in ("head", "camera"):
        pack = sticker(tmp_path, faces=faces, shadow=0)
        widths[faces] = [
            width_of(drawn(pack, lambda layout, by=by: turned(straight(layout), by))[0]) for by in (0.0, 40.0)
        ]
    assert abs(widths["head"][1] / widths["head"][0] - np.cos(np.radians(40))) < 0.12
    assert abs(widths["camera"][1] / widths["camera"][0] - 1) < 0.06


def test_what_the_face_is_before_is_hidden(tmp_path: Path):
    behind, before = (
        drawn(sticker(tmp_path, offset=[0, 0, z], shadow=0), straight)[0].alpha.sum() for z in (45, -3)
    )
    assert before > 1000 and behind < 0.02 * before


def test_a_bent_sticker_goes_round_the_head(tmp_path: Path):
    """It is as wide as the cylinder, and not as the picture."""
    flat, bent = (
        width_of(
            drawn(sticker(tmp_path, at=[10], offset=[0, -40, -5], width=240, shadow=0, **more), straight)[0]
        )
        for more in ({}, {"bend": 70})
    )
    assert abs(bent / flat - 140 / 240) < 0.06


def test_hair_hides_what_is_behind_it(tmp_path: Path):
    class Hairy:
        alignment, net = kit().parser.alignment, kit().parser.net

        def parse(self, crop: Crop) -> dict[str, Array]:
            share = np.zeros((crop.size, crop.size), np.float32)
            share[:, : round(float(crop.landmarks[4, 0]))] = 1
            return {"hair": share}

    (edit_,) = drawn_by(sticker(tmp_path, behind="hair", shadow=0), 1.0, kit())
    assert isinstance(edit_, Stickers)
    alpha = replace(edit_, parser=Hairy())(straight(Stickers.alignment)).alpha  # pyright: ignore[reportArgumentType]
    middle = round(float(straight(Stickers.alignment).landmarks[4, 0]))
    assert alpha[:, : middle - 8].max() < 0.02 and alpha[:, middle + 8 :].max() > 0.9


def opened_mouth(crop: Crop) -> Crop:
    points = crop.landmarks.copy()
    lower = [*topology.INNER_LIPS[11:], *topology.LIPS[11:]]
    points[lower, 1] += 0.5 * np.linalg.norm(points[133] - points[362])
    return replace(crop, landmarks=points)


def shut_eyes(crop: Crop) -> Crop:
    points = crop.landmarks.copy()
    points[[159, 386]] = points[[145, 374]]
    return replace(crop, landmarks=points)


@pytest.mark.parametrize(("when", "doing"), [("mouth_open", opened_mouth), ("blink", shut_eyes)])
def test_a_trigger_waits_until_it_is_seen(tmp_path: Path, when: str, doing: Callable[[Crop], Crop]):
    pack = sticker(tmp_path, when=when, shadow=0)
    photo, face = hopper(), kit().faces(hopper().pixels)[0]
    crop = geometry.align(photo.pixels, face.landmarks, Stickers.alignment, face.depth)
    waits, seen = (drawn(pack, lambda _, one=one: one)[0].alpha.max() for one in (crop, doing(crop)))
    assert waits == 0 and seen > 0.9


def test_a_sprite_goes_on_with_time(tmp_path: Path):
    row = {"kind": "sprite", "images": ["a.png", "b.png"], "fps": 5, "at": [4], "width": 30, "shadow": 0}
    edits = drawn_by(read(put(tmp_path / "s", [row], a=colour(), b=colour((20, 20, 220)))), 1.0, kit())
    crop, shown = straight(Stickers.alignment), []
    y, x = crop.landmarks[4, ::-1].astype(int)
    for seconds in (0.0, 0.1, 0.25, 0.45):
        source = at_time(edits, seconds)[0](crop).source  # pyright: ignore[reportArgumentType]
        assert source is not None
        shown.append("red" if source.pixels[y, x, 0] > source.pixels[y, x, 2] else "blue")
    assert shown == ["red", "red", "blue", "red"]


def test_more_strength_is_more(tmp_path: Path):
    half, whole = (drawn(sticker(tmp_path, shadow=0), straight, share)[0].alpha.max() for share in (0.5, 1.0))
    assert abs(half - 0.5) < 0.03 and whole > 0.97


@pytest.mark.parametrize("name", ["clown", "butterfly"])
def test_a_black_and_white_photo_stays_one(name: str):
    grey = np.repeat(cv2.cvtColor(collins()[0].pixels, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    after = edit(Photo(grey), kit=kit(), effect=name).pixels.astype(int)
    assert (after != grey).any() and np.ptp(after, axis=2).max() <= 1


# ---- packs of one's own


def zipped(folder: Path, inside: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as pack:
        for one in sorted(folder.iterdir()):
            pack.write(one, inside + one.name)
    return path


def test_a_folder_and_its_zip_are_one_pack(tmp_path: Path):
    """And the label has its name and sha256, that of what it holds."""
    folder = put(tmp_path / "mine", [{"kind": "sticker", "image": "s.png", "width": 40}], s=colour())
    path = zipped(folder, "mine/")
    one, other = read(folder), read(path)
    assert one == other and one.name == "mine" and len(one.sha256) == 64
    step = opened(collins()[0]).edit(effect=f"{path}:0.5").history[-1]
    assert step.arguments["effect_sha256"] == one.sha256 and ("effect mine", one.sha256) in step.networks
    (folder / "s.png").write_bytes(png(colour((1, 2, 3))))
    assert read(folder).sha256 != one.sha256


def test_an_edit_in_a_pack_is_done_with_it_unless_something_else_is_said(tmp_path: Path):
    folder = put(tmp_path / "mine", [{"kind": "edit", "do": {"smile": 0.8}}])
    with_it, alone, other = (
        opened(collins()[0]).edit(**about).pixels  # pyright: ignore[reportArgumentType]
        for about in (
            {"effect": f"{folder}:0.5"},
            {"smile": 0.4},
            {"effect": str(folder), "smile": 0.0},
        )
    )
    assert np.array_equal(with_it, alone) and np.array_equal(other, collins()[0].pixels)


def test_the_starter_is_a_pack(tmp_path: Path, mien: Mien):
    done = mien("effect", "template", "-o", tmp_path / "new")
    assert done.code == 0 and (tmp_path / "new" / "template.png").is_file()
    told = mien("effect", "check", tmp_path / "new", "--json")
    assert told.code == 0 and json.loads(told.out)["layers"] == 2 and "all well" in told.err
    again = mien("effect", "template", "-o", tmp_path / "new")
    assert again.code == 2 and "name a new folder" in again.err
    gone = mien("effect", "check", tmp_path / "none")
    assert gone.code == 2 and "is not there" in gone.err
    template = cv2.imread(str(tmp_path / "new" / "template.png"))
    assert template is not None and template.shape == (1024, 1024, 3) and template.min() < 80


def test_the_texture_map_is_symmetric_and_stays_what_packs_were_painted_on():
    uv = kit().shapes.uv
    assert 0.03 < uv.min() < 0.05 < 0.95 < uv.max() < 0.97 and np.allclose(
        uv[[10, 4, 152], 0], 0.5, atol=1e-3
    )
    assert np.allclose(uv[33] * (-1, 1) + (1, 0), uv[263], atol=1e-3)
    where = {10: (0.5, 0.057), 33: (0.242, 0.340), 61: (0.339, 0.705), 4: (0.5, 0.525), 152: (0.5, 0.943)}
    assert all(np.allclose(uv[index], at, atol=2e-3) for index, at in where.items())


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        ("wiskers", "did you mean whiskers"),
        ("none.zip", "there is no such file, and no effect is called 'none.zip': there are whiskers"),
        ("crown:1.5", "from 0 to 1"),
    ],
)
def test_what_is_no_effect_is_refused(effect: str, said: str):
    with pytest.raises(RequestError, match=said):
        opened(collins()[0]).edit(effect=effect)


def test_the_command_line_lists_the_effects(mien: Mien, tmp_path: Path):
    told = mien("edit", "x.jpg", "--effect", "list")
    assert told.code == 0 and [line.split()[0] for line in told.out.splitlines()] == list(styles.EFFECTS)
    assert mien("effect", "list").out == told.out


def test_nobody_has_two_pairs_of_glasses():
    with pytest.raises(RequestError, match="star-glasses takes glasses off: leave out"):
        opened(collins()[0]).edit(effect="star-glasses", glasses=1.0)


# ---- packs that are none

STICKER = {"kind": "sticker", "image": "s.png", "width": 40}
ROWS: list[tuple[Any, str]] = [
    ([], '"layers" wants a list of 1 to 16'),
    ([STICKER] * 1000, '"layers" wants a list of 1 to 16'),
    ({"a": STICKER}, '"layers" wants a list'),
    ([7], 'layer 1: "kind" wants texture, sticker, sprite, edit; None came'),
    ([STICKER | {"kind": "model"}], "'model' came"),
    ([STICKER | {"kind": ["sticker"]}], '"kind" wants'),
    ([STICKER | {"wdith": 3}], "layer 1: 'wdith' is not known: did you mean width"),
    ([{"kind": "sticker", "image": "s.png"}], 'layer 1: "width" is missing'),
    ([STICKER | {"width": "wide"}], "wants a number; 'wide' came"),
    ([STICKER | {"width": True}], "wants a number; True came"),
    ([STICKER | {"width": float("nan")}], "NaN is no number"),
    ([STICKER | {"width": float("inf")}], "Infinity is no number"),
    ([STICKER | {"width": 10**400}], "wants a number|is no JSON"),
    ([STICKER | {"width": 9999}], "is 9999: from 1 to 800"),
    ([STICKER | {"at": [478]}], "landmarks from 0 to 477; 478 came"),
    ([STICKER | {"at": []}], "a list of 1 to 16"),
    ([STICKER | {"offset": [1, 2]}], "a list of 3"),
    ([STICKER | {"when": "smile"}], "wants always or mouth_open or blink; 'smile' came"),
    ([STICKER | {"image": "../../secret.png"}], "wants the name of a PNG"),
    ([STICKER | {"image": "/etc/passwd"}], "wants the name of a PNG"),
    ([STICKER | {"image": "none.png"}], "there is no none.png in it"),
    ([{"kind": "sprite", "images": ["s.png"] * 65, "width": 3}], "a list of 1 to 64"),
    ([{"kind": "edit", "do": {"smlie": 1}}], "did you mean smile"),
    ([{"kind": "edit", "do": {"smile": 3}}], "from -1 to 1"),
    ([{"kind": "edit", "do": {"effect": 1}}], "layer 1: effect wants a name"),
    ([{"kind": "edit", "do": {}}], '"do" wants edits'),
]


@pytest.mark.parametrize(("layers", "said"), ROWS)
def test_a_wrong_layer_is_one_clear_line(tmp_path: Path, layers: Any, said: str):
    folder = put(tmp_path / "bad", layers, s=colour())
    for path in (folder, zipped(folder)):
        with pytest.raises(InputError, match=said) as error:
            read(path)
        assert "\n" not in str(error.value) and len(str(error.value)) < 400


def huge(width: int, height: int) -> bytes:
    """A PNG that says it is so large, of few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (huge(60_000, 60_000), "s.png is 60000 x 60000 pixels, and up to 2048 x 2048 may be"),
        (huge(0, 5), "0 x 5 pixels"),
        (b"GIF89a" + bytes(60), "s.png is no PNG"),
        (b"", "s.png is no PNG"),
        (bytes((8 << 20) + 1), "s.png is larger than 8192 kB"),
    ],
)
def test_a_wrong_picture_is_one_clear_line(tmp_path: Path, data: bytes, said: str):
    folder = put(tmp_path / "bad", [STICKER], s=colour())
    (folder / "s.png").write_bytes(data)
    with pytest.raises(InputError, match=said):
        read(folder)


def test_a_damaged_picture_is_one_line(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    """And the decoder's own is not told."""
    folder = put(tmp_path / "bad", [STICKER], s=colour())
    whole = (folder / "s.png").read_bytes()
    at = whole.index(b"IDAT") + 8
    for data in (whole[:-20], whole[:at] + bytes(8) + whole[at + 8 :], huge(64, 64)):
        (folder / "s.png").write_bytes(data)
        with pytest.raises(InputError, match="no PNG that can be decoded"):
            verbs.effect_check(folder)
    assert capfd.readouterr().err == ""


def test_a_picture_without_transparency_is_refused(tmp_path: Path):
    folder = put(tmp_path / "bad", [STICKER], s=colour())
    (folder / "s.png").write_bytes(cv2.imencode(".png", colour()[..., :3])[1].tobytes())
    with pytest.raises(InputError, match=r"s\.png has no transparency"):
        read(folder)


def test_a_zip_holds_what_a_pack_needs_and_what_desktops_put_there(tmp_path: Path):
    folder = put(tmp_path / "p", [STICKER], s=colour(), template=colour())
    path = zipped(folder)
    with zipfile.ZipFile(path, "a") as pack:
        pack.writestr("__MACOSX/._s.png", b"")
        pack.writestr(".DS_Store", b"")
    assert read(path) == read(folder)
    for name in ("run.exe", "../up.png", "/etc/face.png"):
        other = zipped(folder)
        with zipfile.ZipFile(other, "a") as pack:
            pack.writestr(name, b"")
        with pytest.raises(InputError, match=r"is in it, and only effect\.json and PNGs may be"):
            read(other)


def test_too_many_pixels_in_all_are_refused(tmp_path: Path):
    names = [f"p{k}.png" for k in range(5)]
    folder = put(tmp_path / "bad", [{"kind": "sprite", "images": names, "width": 9}])
    for name in names:
        (folder / name).write_bytes(huge(2048, 2048))
    with pytest.raises(InputError, match="more than 16 million pixels"):
        read(folder)


def packed(path: Path, files: list[tuple[zipfile.ZipInfo | str, bytes]]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, data in files:
            pack.writestr(name, data)
    return path


def test_zips_that_are_traps(tmp_path: Path):
    told = json.dumps({"mien": 1, "layers": [STICKER]}).encode()
    link = zipfile.ZipInfo("s.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    for files, said in (
        ([("effect.json", told), ("s.png", bytes(64 << 20))], "s.png is larger than 8192 kB"),
        ([("effect.json", b" " * (9 << 20))], "effect.json is larger than 64 kB"),
        ([("effect.json", told), (link, b"/etc/passwd")], "s.png is a link or no file"),
        ([("effect.json", told)], "there is no s.png in it"),
        ([("effect.json", told), ("../s.png", png(colour()))], "'../s.png' is in it, and only"),
        ([("../effect.json", told)], "'../effect.json' is in it, and only"),
        ([("a/effect.json", told), ("b/effect.json", told)], "2 effect.json in it"),
        ([("s.png", png(colour()))], "no effect.json in it"),
        ([(f"{k}.png", b"") for k in range(300)], "300 files are in it"),
        ([("effect.json", b"[" * 60_000)], "is no JSON"),
        ([("effect.json", b"\xff\xfe")], "is no JSON"),
        ([("effect.json", b"[]")], "wants a table"),
        ([("effect.json", b'{"mien": 2, "layers": []}')], '"mien" is 2, and this version reads 1'),
        ([("effect.json", b'{"mien": 1, "layers": [], "run": "x"}')], "'run' is not known"),
    ):
        with pytest.raises(InputError, match=said):
            read(packed(tmp_path / "trap.zip", files))  # pyright: ignore[reportArgumentType]
    assert {one.name for one in tmp_path.iterdir()} == {"trap.zip"}, "nothing was unpacked"
    (tmp_path / "no.zip").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(InputError, match="cannot be read as an effect pack"):
        read(tmp_path / "no.zip")


def test_links_in_a_folder_are_not_followed(tmp_path: Path):
    (tmp_path / "secret.png").write_bytes(png(colour()))
    folder = put(tmp_path / "bad", [STICKER])
    (folder / "s.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(InputError, match=r"s\.png is a link or no file"):
        read(folder)


def test_a_broken_pack_is_exit_code_2(tmp_path: Path, mien: Mien):
    folder = put(tmp_path / "bad", [STICKER | {"width": -1}], s=colour())
    for words in (
        ("effect", "check", folder),
        ("edit", ROOT / "docs" / "collins.jpg", "--effect", folder, "-o", tmp_path / "x.png"),
    ):
        told = mien(*words)
        assert told.code == 2 and '"width" is -1: from 1 to 800' in told.err and told.err.count("\n") == 1
    assert not (tmp_path / "x.png").exists()


# ---- clips


def test_clips_are_drawn_frame_by_frame(tmp_path: Path):
    """A sprite goes on, sits where the face is in each frame, and the wall beside it stays."""
    pixels, face = collins()
    row = {"kind": "sprite", "images": ["a.png", "b.png"], "fps": 15, "at": [4], "width": 30, "shadow": 0}
    folder = put(tmp_path / "two", [row], a=colour(), b=colour((20, 20, 220)))
    shifts = (0, 3, 6, 9)
    source = film(tmp_path / "clip.mp4", [np.roll(pixels.pixels, by, 1) for by in shifts], sound=None)
    told = edit_clip(source, tmp_path / "out.mp4", effect=str(folder), kit=kit())
    assert told.frames == 4 and told.faces == 1
    before, after = (
        [one.to_ndarray(format="rgb24").astype(int) for one in decoded(path)]
        for path in (source, tmp_path / "out.mp4")
    )
    seen = []
    for by, was, now in zip(shifts, before, after, strict=True):
        away = np.abs(now - was).max(2) > 40
        columns = np.nonzero(away.any(0))[0]
        assert abs(columns.mean() - face.landmarks[4, 0] - by) < 4 and np.abs(now - was)[:, -20:].mean() < 2
        y, x = np.rint(face.landmarks[4, ::-1]).astype(int)
        seen.append("red" if now[y, x + by, 0] > now[y, x + by, 2] else "blue")
    assert seen == ["red", "red", "blue", "blue"]
