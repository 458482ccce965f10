"""Directions of a generator, learned from its own pictures: draw faces, read age, sex and smile off them,
regress.

After Shen et al. 2020, "Interpreting the Latent Space of GANs for Semantic Face Editing" (InterFaceGAN, arXiv
1907.10786), with its conditional projection, but on continuous labels: the prototypes' reader and the face
mesh give them, so nobody labels anything.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from ..arguments import checked
from ..errors import ModelError
from ..models import catalogue
from ..models.card import Card
from ..models.directions import write
from ..models.kit import Kit, shared_kit
from ..models.traits import TRAITS, read_traits
from ..optional import training
from ..types import SILENT, Array, Progress

# much of a trait is at most so many standard deviations of w away: further off a generator has never been
FAR = 2.5
ASIDE = 5  # one face in so many is kept aside to see how well a trait can be told from w
CLEAR = 0.3  # a trait that correlates less than this with what w says has no direction
RIDGE = 1e-2
FEWEST = 20  # faces that anything is learned from


@checked
def directions(
    network: str,
    *,
    count: int = 2000,
    source: Path | None = None,
    kit: Kit | None = None,
    progress: Progress = SILENT,
) -> dict[str, float]:
    """Learn where a face gets older, more masculine or smiling in the space of the generator `network`, from
    `count` of its own faces.

    source: the run or the published checkpoint that the generator is from; with it come `s0` to `s9`, the
    directions that move its styles most (SeFa, arXiv 2007.06600). Stores NETWORK-directions among your
    networks; returns how well each trait can be told from the styles (correlation on faces kept aside).
    """
    kit = kit or shared_kit()
    _, generator = kit.generator(network)
    known = {} if source is None else training("engine.sefa").named(source)
    codes, told = learn(kit, network, count, progress, known)
    if not codes:
        said = told or "no face was found"
        raise ModelError(
            f"{network} draws no faces whose age, sex or smile can be read ({said}): nothing was learned"
        )
    told_words = ", ".join(f"{name} {value:.2f}" for name, value in told.items())
    card = Card(
        name=f"{network}-directions",
        role="directions",
        licence=generator.net.card.licence,
        commercial=generator.net.card.commercial,
        description=f"Directions of {network}: {', '.join(codes)}",
        source=f"mien directions {network} --count {count}",
        limits=f"What age, sex and smile are is what the prototypes read in {count} generated faces; correlations held out: {told_words}.",
        measured=told,
        space=generator.space,
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"{network}-directions.npz"
        write(file, card, codes)
        catalogue.add(file.stem, card.role, file)
    return told


def learn(
    kit: Kit, network: str, count: int, progress: Progress, known: Mapping[str, Array]
) -> tuple[dict[str, Array], dict[str, float]]:
    """Directions `[W]` by trait, one unit long in the trait's unit, and how well each trait can be told from
    w (correlation, held out).

    `count` faces of the generator are drawn; those in which no face is found are left out. A trait that
    cannot be told has no direction. known: unit directions by name, which become one standard deviation of w
    long.
    """
    mapper, generator = kit.generator(network)
    drawn: list[Array] = []
    rows: list[tuple[Array, Array]] = []
    for seed in range(count):
        drawn.append(mapper.styles(mapper.noise(seed), 1.0)[0])
        traits = read_traits(kit, generator.draw(drawn[-1][None])[0])
        if traits is not None:
            rows.append((drawn[-1], traits))
        progress.advance(seed + 1, count)
    out = {name: one * (np.stack(drawn) @ one).std() for name, one in known.items()}
    if len(rows) < FEWEST:
        return out, {}
    w, labels = (np.stack(one).astype(np.float64) for one in zip(*rows, strict=True))
    aside = np.arange(len(w)) % ASIDE == 0
    slopes, told = from_labels(w[~aside], labels[~aside]), {}
    for k, trait in enumerate(TRAITS):
        told[trait] = float(np.corrcoef(w[aside] @ slopes[k], labels[aside, k])[0, 1])
    clear = [k for k, trait in enumerate(TRAITS) if told[trait] >= CLEAR]
    steps = {
        list(TRAITS)[k]: unit(slopes[k], slopes[[other for other in clear if other != k]]) for k in clear
    }
    return {
        trait: step * min(1.0, FAR / spreads(w, step * TRAITS[trait])) for trait, step in steps.items()
    } | out, told


def from_labels(w: Array, labels: Array) -> Array:
    """How labels `[N, K]` change with styles `w [N, W]`: the slopes `[K, W]` of a ridge regression."""
    x, y = w - w.mean(0), labels - labels.mean(0)
    A = x.T @ x / len(x)
    return np.linalg.solve(A + RIDGE * A.diagonal().mean() * np.eye(len(A)), x.T @ y / len(x)).T


def unit(slope: Array, others: Array) -> Array:
    """The step `[W]` that changes one label by 1 and those of which `others [K, W]` are the slopes not at
    all."""
    Q = np.linalg.qr(others.T)[0]  # [W, K]
    step = slope - Q @ (Q.T @ slope)
    return step / (slope @ step)


def spreads(w: Array, step: Array) -> float:
    """How many standard deviations of the styles `w [N, W]` along a step that step is long."""
    return float(step @ step / (w @ step).std())


def loop(stops: Sequence[Array], between: int) -> Iterator[Array]:
    """From each w `[W]` to the next and back to the first, `between` steps each, without a kink: Catmull and
    Rom's spline."""
    for i in range(len(stops)):
        a, b, c, d = (stops[(i + k) % len(stops)] for k in (-1, 0, 1, 2))
        for t in np.arange(between) / between:
            yield b + t / 2 * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
