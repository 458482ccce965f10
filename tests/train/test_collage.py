"""The generator that is computed, not trained: `mien collage`, on a bank of the two portraits in the repository."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest import save
from faces import collins, hopper, hopper_face, kit

torch = pytest.importorskip("torch", reason="training needs the extra 'train'")

from mien.errors import InputError
from mien.face import geometry
from mien.train.collage import bank, blocks, build, fitter, network, portraits, selection, statistics
from mien.train.collage.layout import SIZE, mirrored
from mien.types import SILENT, Alignment

COUNT = 12
COLUMNS = "file,source,licence,person,sex,age,age_is,ethnicity,smile,mouth,glasses,beard,hair,hat".split(",")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of labelled faces: two people, brighter and darker, each time with a face of a little other shape."""
    root, random = tmp_path_factory.mktemp("faces"), np.random.default_rng(0)
    (root / "images").mkdir()
    rows, points = [], []
    for k in range(COUNT):
        photo, face = (hopper(), hopper_face()) if k % 2 else collins()
        crop = geometry.align(photo.pixels, face.landmarks, Alignment("ffhq", SIZE))
        save(root / "images" / f"{k}.png", np.clip(crop.pixels * (0.8 + 0.04 * k), 0, 255).astype(np.uint8))
        points.append((crop.landmarks - 128) * (1 + 0.01 * random.standard_normal(2)) + 128.5)
        known = {
            "source": "sfhq",
            "sex": "mf"[k % 2],
            "age": str(20 + 5 * k),
            "smile": str(k % 3),
            "hair": "brown",
        }
        rows.append(dict.fromkeys(COLUMNS, "0") | known | {"file": f"{k}.png", "person": f"p{k}"})
    with (root / "faces.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    np.savez(root / "landmarks478.npz", files=[row["file"] for row in rows], points=np.stack(points))
    return root


@pytest.fixture(scope="module")
def seen(folder: Path) -> portraits.Portraits:
    return portraits.read(folder, kit(), SILENT)


@pytest.fixture(scope="module")
def measured(seen: portraits.Portraits) -> statistics.Statistics:
    return statistics.measure(seen, selection.imagined(seen))


@pytest.fixture(scope="module")
def made(seen: portraits.Portraits, measured: statistics.Statistics) -> bank.Bank:
    return bank.collect(seen, measured, np.arange(COUNT))


def test_the_layout_is_symmetric_with_lips_apart(seen: portraits.Portraits):
    layout = seen.layout
    mesh = layout.points[:468]
    assert np.abs(mirrored(mesh, layout.mirror) - mesh).max() < 1e-3
    assert np.array_equal(layout.mirror[layout.mirror], np.arange(468))
    assert np.linalg.norm(mesh[13] - mesh[14]) == pytest.approx(7, abs=0.5)
    at, share = layout.weights
    places = (layout.points[at] * share[..., None]).sum(2)
    off = np.abs(places - (np.mgrid[:128, :128][::-1].transpose(1, 2, 0) * 2 + 0.5))
    assert np.quantile(off, 0.99) < 0.1  # of slivers the weights are cut


def test_codes_hold_pictures_and_their_mirror_images(seen: portraits.Portraits):
    picture = statistics.as_ycc(seen.pictures[:1])[..., 0]
    codes, basis, odd = bank.coded(picture[:, None] - 128, 26, 4, 1.6)
    given = [torch.from_numpy(one) for one in (codes[:, :1, :, :][None, :, 0], basis, odd)]
    share = torch.ones(1, 1, dtype=torch.float64)
    for flipped in (False, True):
        found = blocks.decode(given[0].double(), share, torch.tensor([[flipped]]), given[1], given[2])[0, 0]
        wanted = picture[0, :, ::-1] if flipped else picture[0]
        assert np.abs(found.numpy() - wanted).mean() < 4
    assert codes.dtype == np.int8


def test_what_does_not_move_is_not_warped():
    still = torch.zeros(1, 2, 128, 128)
    picture = torch.rand(1, 1, SIZE, SIZE)
    same = torch.nn.functional.grid_sample(picture, blocks.flow_of(still), align_corners=False)
    assert torch.allclose(same, picture, atol=1e-3)
    moved = torch.nn.functional.grid_sample(
        picture, blocks.flow_of(still + 3), padding_mode="border", align_corners=False
    )
    assert torch.allclose(moved[..., 8:, 8:], picture[..., 5:-3, 5:-3], atol=1e-3)


def test_a_face_relit_to_itself_stays_itself(seen: portraits.Portraits):
    picture = blocks.to_ycc(torch.from_numpy(seen.pictures[:1].astype(np.float32)).permute(0, 3, 1, 2))
    skin = torch.from_numpy(seen.layout.skin)
    tone = blocks.skin_tone(picture, skin)
    inside = torch.from_numpy(seen.layout.face) > 0.9
    again = blocks.relit(picture, tone, skin)
    assert (again - picture)[0, 0][inside].abs().median() < 2
    darker = blocks.relit(picture, tone * torch.tensor([0.5, 1, 1])[:, None, None], skin)
    assert darker[0, 0][inside].mean() < 0.7 * picture[0, 0][inside].mean()


def test_seeds_and_conditions_say_who_is_drawn(made: bank.Bank, measured: statistics.Statistics):
    mapper, collage = network.Mapper(made).eval(), network.Collage(made).eval()
    names = [one.name for one in bank.CONDITIONS]
    unknown = torch.full((1, len(names)), torch.nan)
    noise = [
        torch.from_numpy(np.random.RandomState(k).randn(1, mapper.size).astype(np.float32)) for k in range(2)
    ]
    with torch.no_grad():
        w = [mapper(z, unknown) for z in noise]
        pictures = [collage(one[:, None]) for one in (w[0], w[1], w[0])]
        assert torch.equal(pictures[0], pictures[2]) and (pictures[0] - pictures[1]).abs().mean() > 0.01
        assert pictures[0].shape == (1, 3, SIZE, SIZE)
        old = unknown.clone()
        old[0, names.index("age")] = 60
        attributes = mapper(noise[0], old)[0, : len(statistics.ATTRIBUTES)].numpy()
    known = attributes * measured.spread + measured.centre
    assert known[statistics.ATTRIBUTES.index("age")] == pytest.approx(60, abs=0.1)


def test_hair_takes_the_colour_that_is_asked(made: bank.Bank):
    collage = network.Collage(made).eval()
    base, hair = torch.full((1, 3, SIZE, SIZE), 100.0), torch.zeros(1, 1, 64, 64)
    hair[..., :16, :] = 1
    own = torch.zeros(1, len(statistics.ATTRIBUTES))
    wanted = own.clone()
    wanted[0, -3] = 1.0  # a standard deviation lighter
    with torch.no_grad():
        after = collage.recoloured(base, hair, wanted, own)
    assert (after[0, 0, :50] > 101).all() and torch.equal(after[..., 80:, :], base[..., 80:, :])


def test_look_alikes_hats_and_real_people_are_left_out(
    seen: portraits.Portraits, measured: statistics.Statistics
):
    assert len(selection.suitable(seen, measured)) <= 2  # two people
    for name, value in (("hat", "1"), ("glasses", "1"), ("hair", "dyed"), ("source", "fairface")):
        rows = [row | {name: value} for row in seen.rows]
        other = replace(seen, rows=rows)
        assert len(selection.suitable(other, measured)) == 0


def test_too_few_portraits_are_refused(folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match="people who do not exist"):
        build.build(folder, tmp_path, force=False, progress=SILENT)
    assert list(tmp_path.iterdir()) == []


def test_a_code_is_fitted_to_points_hair_and_traits(
    seen: portraits.Portraits, measured: statistics.Statistics, made: bank.Bank
):
    fit, mapper = fitter.Fitter(made, measured).eval(), network.Mapper(made).eval()
    unknown = torch.full((1, len(bank.CONDITIONS)), torch.nan)
    with torch.no_grad():
        w = mapper(torch.zeros(1, mapper.size), unknown)
    shapes, silent = len(measured.shapes), torch.full((1, 3), torch.nan)
    at, columns = len(statistics.ATTRIBUTES), statistics.ATTRIBUTES
    for k in (0, 5):
        points = torch.from_numpy(seen.points[k : k + 1].astype(np.float32))
        with torch.no_grad():
            ws = fit(points, torch.zeros(1, 1, 32, 32), silent, w)[:, 0]
            code = ws[0, at : at + shapes].numpy()
        drawn = measured.mean_shape + (code @ measured.shapes).reshape(-1, 2)
        assert np.abs(drawn - seen.points[k]).mean() < 1.5, "pixels"
        assert torch.equal(ws[:, at + shapes + 6 :], w[:, at + shapes + 6 :]), "by chance, but for the head"
    far = measured.mean_shape * [1.6, 1.0]
    with torch.no_grad():
        bent = fit(torch.from_numpy(far[None].astype(np.float32)), torch.zeros(1, 1, 32, 32), silent, w)
        told = [
            fit(points, torch.zeros(1, 1, 32, 32), torch.tensor([[sex, torch.nan, 0.0]]), w)[0, 0]
            for sex in (-1.0, 1.0)
        ]
    assert bent[0, 0, at : at + shapes].abs().max() <= fitter.FARTHEST[0] + 1e-4
    sex = columns.index("sex")
    assert told[1][sex] > told[0][sex]


def test_of_all_heads_that_with_such_hair_is_chosen(measured: statistics.Statistics, made: bank.Bank):
    whole = dict(made.whole)
    whole["hair"] = np.zeros_like(whole["hair"])
    whole["hair"][3, :20, :30] = 255
    fit = fitter.Fitter(replace(made, whole=whole), measured).eval()
    points = torch.from_numpy(made.tables["canonical"][None].astype(np.float32))
    hair = torch.zeros(1, 1, 32, 32)
    hair[..., :10, :15] = 1
    w = torch.zeros(1, len(statistics.ATTRIBUTES) + len(measured.shapes) + 24 + 24)
    with torch.no_grad():
        ws = fit(points, hair, torch.full((1, 3), torch.nan), w)[0, 0]
        away = fit.other_hair(fit.laid_out(hair, points))[0]
    assert away.argmin() == 3 and away[3] < 0.1 < away[:3].min()
    own = torch.from_numpy(made.tables["members"][3].astype(np.float32))
    assert torch.allclose(ws[: len(own) - 3], own[:-3], atol=1e-4)
