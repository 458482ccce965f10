"""What the edits do to people nobody trained on, by numbers: the makers side by side.

    python benchmarks/quality.py FACES PAIRS [--json benchmarks/results/success.json]

FACES and PAIRS are the folders that `mien train retouch` takes; the people that `train.data.held_out` keeps
aside are judged. The judge of age and sex is a small convolutional network of its own, trained here on the
labels of everybody else (some minutes on one core, kept in runs/judge.safetensors): it shares neither weights
nor inputs with what it judges. Smiles are measured on landmarks that are found anew in the result.
"""

from __future__ import annotations

import argparse
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from figures import save
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from mien import Photo
from mien.edits import registry as edits
from mien.edits import whole_face
from mien.edits.request import METHODS, EditRequest
from mien.face import geometry, mesh, topology
from mien.io.dataset import held_out, person_of
from mien.measure import benchmark as bench
from mien.models.kit import Kit
from mien.pipeline.photo import edit_photo
from mien.train.data.faces import read_faces, read_pairs, read_rgb
from mien.types import Alignment, Array, Face

SIDE = 96
REQUESTS = [{"smile": 0.8}, {"age": 30.0}, {"age": -20.0}, {"sex": 0.8}, {"sex": -0.8}]


class Judge(nn.Module):
    """Pictures `[N, 3, 96, 96]` in [-1, 1] -> age (in units of 30 years around 40) and sex (-1 f, 1 m), `[N,
    2]`."""

    def __init__(self) -> None:
        super().__init__()
        widths = [3, 24, 48, 96, 128]
        self.convs = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, bias=False) for a, b in pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:])
        self.out = nn.Linear(widths[-1] * 4, 2)

    def forward(self, x: Tensor) -> Tensor:
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = F.max_pool2d(F.relu(norm(conv(x))), 2)
        return self.out(F.dropout(F.adaptive_avg_pool2d(x, 2).flatten(1), 0.4, self.training))


def small(pixels: Array, landmarks: Array) -> Array:
    """The face as the judge sees it, `[96, 96, 3]` uint8."""
    return geometry.align(pixels, landmarks, Alignment("face", SIDE)).pixels


def tensor(pictures: list[Array]) -> Tensor:
    return torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2).copy()).float() / 127.5 - 1


def train_judge(pictures: list[Array], labels: Tensor, path: Path, epochs: int = 50) -> Judge:
    torch.manual_seed(0)
    judge = Judge()
    if path.is_file():
        judge.load_state_dict(load_file(path))
        return judge.eval()
    x, steps = tensor(pictures), epochs * len(pictures) // 32
    optimiser = torch.optim.AdamW(judge.parameters(), 2e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, steps)
    for _ in range(steps):
        chosen = torch.randint(len(x), (32,))
        batch = x[chosen]
        batch = torch.where(torch.rand(32, 1, 1, 1) < 0.5, batch, batch.flip(3))
        batch = torch.roll(batch, tuple(torch.randint(-4, 5, (2,)).tolist()), (2, 3))
        batch = (
            batch * torch.exp(torch.randn(32, 3, 1, 1) * 0.1 + torch.randn(32, 1, 1, 1) * 0.2)
            + torch.randn(32, 1, 1, 1) * 0.15
        )
        loss = F.smooth_l1_loss(judge(batch), labels[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    path.parent.mkdir(exist_ok=True, parents=True)
    save_file(judge.state_dict(), path)
    return judge.eval()


def judge_of(faces: Path, path: Path) -> Judge:
    """The judge that lies at `path`, trained first where none does: on everybody in `faces` but the people held out."""
    rows, points = read_faces(faces)
    seen = [i for i, row in enumerate(rows) if not held_out(person_of(row))]
    labels = [((float(rows[i]["age"]) - 40) / 30, 1.0 if rows[i]["sex"] == "m" else -1.0) for i in seen]
    pictures = [small(read_rgb(faces / "images" / rows[i]["file"]), points[i]) for i in seen]
    return train_judge(pictures, torch.tensor(labels), path)


@torch.no_grad()
def judged(judge: Judge, pictures: list[Array]) -> Array:
    """Age in years and sex for each picture, `[n, 2]`; the mean over both mirror images."""
    x = tensor(pictures)
    return (
        ((judge(x) + judge(x.flip(3))) / 2) * torch.tensor([30.0, 1.0]) + torch.tensor([40.0, 0.0])
    ).numpy()


def changed_outside(before: Array, after: Array, face: Face) -> int:
    """Pixels that differ farther from the face than a Change reaches."""
    mask = np.zeros(before.shape[:2], np.uint8)
    cv2.fillConvexPoly(
        mask, np.rint(cv2.convexHull(face.landmarks[: topology.POINTS])[:, 0]).astype(np.int32), 1
    )
    grow = int(0.25 * max(face.box[2:] - face.box[:2])) * 2 + 1
    far = cv2.dilate(mask, np.ones((grow, grow), np.uint8)) == 0
    return int((before != after).any(2)[far].sum())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("faces", type=Path)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--judge", type=Path, default=Path("runs/judge.safetensors"))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--by", nargs="+", choices=(bench.BEST, *METHODS), default=(bench.BEST, *METHODS))
    parser.add_argument("--json", type=Path)
    parser.add_argument("--most", type=int, default=1000, help="judge at most so many people")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)

    judge = judge_of(args.faces, args.judge)
    rows, points = read_faces(args.faces)
    pictures = [read_rgb(args.faces / "images" / row["file"]) for row in rows]
    kept = [i for i, row in enumerate(rows) if held_out(person_of(row))][: args.most]
    truth = np.array([(float(rows[i]["age"]), 1.0 if rows[i]["sex"] == "m" else -1.0) for i in kept])
    base = judged(judge, [small(pictures[i], points[i]) for i in kept])
    years, right_sex = np.abs(base[:, 0] - truth[:, 0]).mean(), np.mean(base[:, 1] * truth[:, 1] > 0)
    print(
        f"judge on {len(kept)} pictures of people held out: age within {years:.1f} years, sex right {right_sex:.1%}"
    )
    lifts = [
        mesh.mouth_shape(pair.smiling.landmarks)[1] - mesh.mouth_shape(pair.neutral.landmarks)[1]
        for pair in read_pairs(args.pairs, whole_face.Retouch.alignment)
    ]
    print(
        f"median lift of the mouth's corners in {len(lifts)} smile pairs: {np.median(lifts):.3f} eye distances"
    )

    kit = Kit()
    found: list[dict[str, Any]] = []
    changed = 0
    print(f"{'edit':<12} {'by':<11} {'right way':>9} {'median':>8} {'p10':>7} {'p90':>7} {'outside':>8}")
    for request in REQUESTS:
        for by in args.by:
            ((name, strength),) = request.items()
            moves, outside = [], 0
            for i, before in zip(kept, base, strict=True):
                faces = kit.faces(pictures[i])
                if not faces or (name == "smile" and rows[i]["smile"] != "0"):
                    continue
                face = max(faces, key=lambda f: float(f.box[2] - f.box[0]))
                asked = request | {"hair_grey": 0.0}  # hair is no matter of the judge's
                edit = edits.plan(EditRequest(asked, method=None if by == bench.BEST else by), kit)
                after = edit_photo(Photo(pictures[i]), edit, [face], [0], {}).pixels
                outside += changed_outside(pictures[i], after, face)
                if name == "smile":
                    again = kit.faces(after)
                    moves.append(
                        mesh.mouth_shape(again[0].landmarks)[1] - mesh.mouth_shape(face.landmarks)[1]
                        if again
                        else 0.0
                    )
                else:
                    moves.append(
                        (judged(judge, [small(after, points[i])])[0] - before)[0 if name == "age" else 1]
                    )
            way = np.array(moves) * np.sign(strength)
            right = way >= 0.5 * np.median(lifts) if name == "smile" else way > 0
            low, middle, high = np.percentile(way, [10, 50, 90])
            changed += outside
            found.append(
                {
                    "edit": name,
                    "strength": strength,
                    "method": by,
                    "right_way": round(float(right.mean()), 3),
                    "median": round(float(middle), 3),
                    "p10": round(float(low), 3),
                    "p90": round(float(high), 3),
                    "people": len(moves),
                    "unit": {"smile": "eye distances", "age": "years"}.get(name, "of 2"),
                }
            )
            print(
                f"{name + format(strength, '+g'):<12} {by:<11} {right.mean():>9.1%} {middle:>8.3f} {low:>7.3f} {high:>7.3f} {outside:>8}",
                flush=True,
            )
    save(
        args.json,
        "python benchmarks/quality.py FACES PAIRS",
        found,
        people_held_out=True,
        pictures=len(kept),
        judge={"age_error_years": round(float(years), 1), "sex_right": round(float(right_sex), 3)},
        median_smile_lift=round(float(np.median(lifts)), 3),
        smile_counts_from=0.5,
        pixels_changed_outside=changed,
    )


if __name__ == "__main__":
    main()
