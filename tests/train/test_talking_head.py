"""Talking heads: the published networks under other names and upright, people with several pictures each, learning of
many and then of one, and what is exported."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from faces import hopper_face

pytest.importorskip("torch", reason="training needs the extra 'train'")

import torch
from tensors import close
from test_psp import assert_same, parity, published

from mien import verbs
from mien.errors import InputError, ModelError, RequestError
from mien.face.line_drawing import draw_features
from mien.face.topology import EYELIDS, IRISES, OVAL
from mien.models.session import Net
from mien.train.data.heads import Heads
from mien.train.engine.accumulate import MicroBatches
from mien.train.engine.initial_weights import read_origin
from mien.train.families import talking_head
from mien.train.published import talking_heads
from mien.train.published.convert import adopt
from mien.train.published.detect import recognise

TINY = talking_head.PRESETS["tiny"]
SIDE = 64


def painted(folder: Path, people: dict[str, tuple[int, int, int]], each: int, **column: str) -> Path:
    """A folder of faces: each person an oval of one colour, wider or narrower from picture to picture."""
    (folder / "images").mkdir(parents=True)
    rows, points = [], {}
    for person, colour in people.items():
        for i in range(each):
            name = f"{person}-{i}.png"
            landmarks = (hopper_face().landmarks - 200) * (0.14 + 0.015 * (i % 4), 0.17) + SIDE / 2
            pixels = np.full((SIDE, SIDE, 3), 40, np.uint8)
            cv2.fillPoly(pixels, [np.rint(landmarks[list(OVAL)]).astype(np.int32)], colour)
            cv2.imwrite(str(folder / "images" / name), pixels)
            rows.append({"file": name, "person": person} | column)
            points[name] = landmarks + 0.5
    with (folder / "faces.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)
    np.savez(
        folder / "landmarks478.npz", files=np.array(list(points)), points=np.stack(list(points.values()))
    )
    return folder


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    colours = {f"p{k}": (40 + 25 * k, 90 + 60 * (k % 3), 230 - 25 * k) for k in range(8)}
    return painted(tmp_path_factory.mktemp("people") / "faces", colours, 4)


# --- Networks


def upright(one: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(one).mT


@torch.no_grad()
def test_the_networks_are_the_published_ones():
    module = parity()
    arrays = module.arrays("talkinghead")
    states = {
        name: {key: torch.from_numpy(np.array(one)) for key, one in state.items()}
        for name, state in module.tensors("talkinghead").items()
    }
    found = talking_heads.nets(states)
    cfg = talking_head.adapt(replace(talking_head.Config(), known=2), {}, found)
    talker, D = talking_head.Talker(cfg).eval(), talking_head.Discriminator(cfg.base, 2, cfg.size).eval()
    talker.load_state_dict(found["G"])
    D.load_state_dict(found["D"])
    x, y = upright(arrays["x"]), upright(arrays["y"])
    assert_same(talker.embedder.code(torch.cat([x, y], 1))[..., None], arrays["e"])
    made = talker.generator(y[:1], talker.generator.styles(torch.from_numpy(arrays["e_hat"][..., 0])))
    assert_same(made.mT, arrays["x_hat"])
    score, features = D(torch.cat([x, y], 1), torch.arange(2))
    assert_same(score[:, None, None], arrays["r"])
    for k, one in enumerate(features):
        assert_same(one[:, :8].mT, arrays[f"D_fm{k}"])


def narrow() -> dict[str, dict[str, torch.Tensor]]:
    """State dicts as published, an eighth as wide, drawn by a seed."""
    rng, out = torch.Generator().manual_seed(0), dict[str, dict[str, torch.Tensor]]()
    for name in talking_heads.NETS:
        shapes = published("talkinghead", name)
        small = {key: tuple(n // 8 if n >= 16 else n for n in shape) for key, shape in shapes.items()}
        for key in small:
            if key.endswith("weight_v"):
                small[key] = (int(np.prod(small[key.replace("_v", "_orig")][1:])),)
        out[name] = {key: torch.rand(shape, generator=rng) for key, shape in small.items()}
    return out


@torch.no_grad()
def test_a_published_file_becomes_an_animator(tmp_path: Path):
    states, path = narrow(), tmp_path / "model_weights.tar"
    torch.save({**states, "epoch": 3, "lossesG": [0.5], "num_vid": 2}, path)
    assert recognise(path) == "talking_head"
    (part,) = adopt(path, "mine")
    assert part.card.role == "animator" and part.card.licence == "GPL-3.0-only" and not part.card.commercial
    assert [*part.inputs] == ["pixels", "lines", "wanted"] and part.card.size == 256
    talker = talking_head.Talker(replace(talking_head.Config(), base=8)).eval()
    talker.load_state_dict(talking_heads.nets(states)["G"])
    pixels, lines, wanted = torch.rand(3, 1, 3, 64, 64)
    made = part.module(pixels, lines, wanted)
    assert close(made, talker(torch.cat([pixels, lines], 1)[:, None], wanted)[0])
    origin = read_origin(path)
    cfg = talking_head.adapt(TINY, {}, origin.nets)
    assert (cfg.base, cfg.size) == (8, 256)
    assert talking_head.build(cfg).transfer(origin.nets) == ["D.people"], "others are to be known"
    del states["G_state_dict"]["res3.conv1.bias"]
    torch.save(states, path)
    with pytest.raises(ModelError, match="lacks"):
        adopt(path, "mine")


# --- Data


def test_people_are_told_by_other_pictures_of_them(people: Path):
    data = Heads([people], SIDE, "head", 0, known=16)
    batch, again = data.batch(6, 2, 3, 0.5), data.batch(6, 2, 3, 0.5)
    assert np.array_equal(batch.seen, again.seen) and np.array_equal(batch.who, again.who)
    assert batch.seen.shape == (6, 2, 6, SIDE, SIDE) and batch.wanted.shape == (6, 3, SIDE, SIDE)
    middle = batch.wanted[:, :, 40, 32]
    assert np.abs(batch.seen[:, :, :3, 40, 32] - middle[:, None]).max() < 0.1, "the same person"
    assert not any(np.array_equal(one, other) for one in batch.seen[:, :, :3] for other in batch.wanted)
    assert len({*batch.who}) > 1 and batch.lines.max() == 1 and 0.02 < (batch.lines < 0.7).mean() < 0.4
    plain, mirrored = (data.batch(6, 2, 3, share) for share in (0.0, 1.0))
    assert np.array_equal(plain.seen[..., ::-1], mirrored.seen)
    aside = data.held_out(32, 2)
    colours = {tuple(one) for one in batch.wanted[:, :, 40, 32].round(1)}
    assert not colours & {tuple(one) for one in aside.wanted[:, :, 40, 32].round(1)}
    assert data.notes()[0].startswith("people: 7 in 28 pictures")


def test_irises_are_drawn_as_far_as_the_lids_show_them():
    points = hopper_face().landmarks.copy()
    x, y = np.rint(points[IRISES[0][0]]).astype(int)
    assert draw_features(points, 512)[y, x].max() < 60
    points[list(EYELIDS[0]), 1] = y
    assert draw_features(points, 512)[y + 6, x].min() == 255


def test_who_is_who_is_told_by_the_table_or_the_folder(people: Path, tmp_path: Path):
    colours = {"": (200, 100, 50)}
    taken = [painted(tmp_path / name, colours, 3, frame="7") for name in "ab"]
    assert Heads(taken, SIDE, "head", 0, known=16).notes()[0].startswith("people: 1 in 3")
    alone = painted(tmp_path / "alone", colours, 3)
    with pytest.raises(InputError, match="several pictures of each"):
        Heads([alone], SIDE, "head", 0, known=16)
    assert Heads([alone], SIDE, "head", 0, known=1, one=True).notes()[0].startswith("people: 1 in 3")
    with pytest.raises(InputError, match="--set known=7"):
        Heads([people], SIDE, "head", 0, known=4)


# --- Training


def test_two_parts_are_one_batch(people: Path):
    cfg = replace(TINY, batch=4)
    loader, after = talking_head.load([people], cfg, 0), []
    for accumulate in (1, 2):
        torch.manual_seed(0)
        objective = talking_head.build(cfg)
        objective.nets.eval()  # spectral norms move once for each part
        objective.step(MicroBatches(loader.batch(0), 0, accumulate=accumulate))
        after.append([objective.D.people.grad, objective.G.generator.p.grad])
    assert all(close(a, b) for a, b in zip(*after, strict=True))


@pytest.fixture(scope="module")
def many(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run of many people."""
    folder = tmp_path_factory.mktemp("run") / "many"
    words = {"steps": "16", "batch": "4", "lr": "2e-3", "lr_d": "1e-4"}
    verbs.train("talking_head", [people], folder, preset="tiny", overrides=words)
    return folder


def test_many_are_learned(many: Path):
    rows = [json.loads(line) for line in (many / "log.jsonl").read_text().splitlines()]
    assert {"d", "g", "l1", "features", "match"} < rows[0].keys()
    scores = [row["held_out"] for row in rows if "held_out" in row]
    assert scores[-1] < scores[0] and rows[-1]["l1"] < 0.8 * rows[0]["l1"]


def test_one_goes_on_from_many(many: Path, tmp_path: Path):
    folder = painted(tmp_path / "faces", {"": (60, 60, 220)}, 4)
    with pytest.raises(RequestError, match="--from RUN"):
        verbs.train("talking_head", [folder], tmp_path / "alone", preset="tiny", overrides={"people": "one"})
    verbs.train("talking_head", [folder], tmp_path / "one", preset="person", overrides=ONE, start=[many])
    objective = talking_head.build(replace(TINY, people="one", known=1))
    origin = read_origin(tmp_path / "one")
    objective.transfer(origin.nets)
    seen = torch.from_numpy(Heads([folder], SIDE, "head", 0, known=1, one=True).batch(2, 2, 0, 0.0).seen)
    with torch.no_grad():
        code = objective.G.eval().code(seen).mean(0)
    assert close(objective.D.people[0].detach(), code, 0.2), "its row in D begins as the embedder sees it"
    assert close(objective.G.generator.psi[:, 0].detach(), objective.G.generator.styles(code).detach(), 0.2)
    ((path, difference),) = verbs.export(tmp_path / "one", tmp_path / "net.onnx").items()
    net = Net("one", path, "")
    assert difference < 1e-3 and [*net.inputs] == ["wanted"] and net.card.size == SIDE


ONE = {"steps": "1", "batch": "2", "shots": "2", "perceptual": "0"}


def test_what_is_no_run_of_heads_is_refused():
    with pytest.raises(ValueError, match="no generator of talking heads"):
        talking_head.adapt(TINY, {}, {"G": {}})


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"people": "few"}, "there are many, one"),
        ({"template": "none"}, "there are ffhq"),
        ({"size": 72}, "multiple of 16"),
        ({"base": 7}, "at least 8"),
    ],
)
def test_contradictions(wrong: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        replace(TINY, **wrong)
