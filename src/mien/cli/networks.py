"""Networks: those that are there, what generators draw, and how to make one's own."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import Any

import click

from ..errors import OutputError, RequestError
from .app import app, plural, say
from .options import LICENCES, options, pair
from .progress import TerminalProgress, shown


@app.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="All fields on stdout.")
@click.option(
    "--licence", type=click.Choice(LICENCES), default="all", help="Only those that may be used commercially."
)
@click.pass_context
def models(ctx: click.Context, as_json: bool, licence: str) -> None:
    """List the networks and check them.

    The exit code is 1 if one is missing or corrupt. `mien models import FILE` adds your own.
    """
    from .. import verbs

    if ctx.invoked_subcommand:
        return
    rows = [row for row in verbs.models() if licence == "all" or row.get("commercial")]
    if as_json:
        click.echo(json.dumps(rows))
    else:
        width = max((len(row["name"]) for row in rows), default=0)
        for row in rows:
            size = f"{row['bytes'] / 1e6:6.2f} MB"
            say(
                f"{row['name']:<{width}}  {row['role']:<10} {size}  {row['licence']:<12} {row['sha256'][:16]}  {row['state']}"
            )
    if any(row["state"] != "ok" for row in rows):
        raise SystemExit(1)


@models.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", default=None, help="What to call it; default: the file's own name.")
@click.option(
    "--own-statistics",
    is_flag=True,
    help="pix2pix, CycleGAN with batch norms: each picture's own, as the test script without --eval.",
)
@click.option(
    "--sample",
    is_flag=True,
    help="The same with dropout: left on as in that script, where `--tell sample=N` asks for draw N.",
)
def import_(file: Path, name: str | None, own_statistics: bool, sample: bool) -> None:
    """Add an exported .onnx or a published checkpoint to your networks.

    Reads NVIDIA's .pkl, .pt with g_ema, pSp, e4e and IR-SE-50, and the .pth of CycleGAN, pix2pix, pix2pixHD,
    StarGAN, fast style transfer and AdaIN, by what is in them, without ever running it. pix2pix's published
    pictures were made in training mode, which `--own-statistics --sample` keeps.
    """
    from .. import verbs

    for entry in verbs.import_network(
        file, name or file.stem.lower(), own_statistics=own_statistics, sample=sample
    ):
        say(f"{entry.name}: {entry.role}, {entry.path.stat().st_size / 1e6:.1f} MB")


def _seeds(ctx: click.Context, option: click.Parameter, value: str) -> list[int]:
    try:
        ends = [[int(end) for end in part.split("-")] for part in value.split(",")]
        seeds = [seed for first, *last in ends for seed in range(first, (last[0] if last else first) + 1)]
    except ValueError as error:
        raise RequestError(f"seeds {value!r} are not numbers and ranges like 0-15,20") from error
    if not 0 < len(seeds) <= 100_000 or max(seeds) >= 2**32:
        raise RequestError(
            f"seeds {value!r} mean {plural(len(seeds), 'picture')}: 1 to 100000 of them, each below 2^32"
        )
    return seeds


@app.command()
@click.option(
    "--with",
    "network",
    required=True,
    metavar="NAME",
    help="A generator of yours: NAME-mapper and NAME-generator in `mien models`.",
)
@click.option(
    "--seeds", default="0-15", show_default=True, metavar="A-B,C", callback=_seeds, help="One picture each."
)
@click.option(
    "--truncation",
    default=0.7,
    show_default=True,
    help="1 is as varied as the network learned, 0 its mean face.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to write seed0000.png and so on into.",
)
@click.option("--grid", is_flag=True, help="Also write all of them as grid.png.")
@click.option(
    "--video",
    is_flag=True,
    help="Instead write walk.mp4, which goes from each to the next and back to the first.",
)
@click.option(
    "--frames",
    type=click.IntRange(1, 10_000),
    default=60,
    show_default=True,
    help="Of the clip, from each to the next; 30 a second.",
)
@click.option("--force", is_flag=True, help="Write over what is there.")
@options("licence")
def generate(
    network: str, seeds: list[int], truncation: float, output: Path, grid: bool, video: bool, **rest: Any
) -> None:
    """Draw faces that belong to nobody, with a generator that you trained or imported."""
    from .. import verbs

    kit, force = verbs.shared_kit(rest["licence"]), rest["force"]
    if not output.is_dir():
        what = "a clip" if video else plural(len(seeds), "picture")
        raise OutputError(f"{what} to write into a folder, and {output} is none: mkdir -p {output}")
    if video:
        about: dict[str, Any] = {
            "truncation": truncation,
            "frames": rest["frames"],
            "force": force,
            "kit": kit,
        }
        count = verbs.walk(network, seeds, output / "walk.mp4", **about)
        say(f"wrote {output / 'walk.mp4'}: {plural(count, 'frame')}")
        return
    photos = []
    for seed, photo in zip(
        seeds, verbs.generate(network, seeds, truncation=truncation, kit=kit), strict=True
    ):
        verbs.write(photo, output / f"seed{seed:04d}.png", force=force)
        photos.append(photo)
    if grid:
        verbs.write(verbs.grid(photos), output / "grid.png", force=force)
    say(f"{plural(len(photos), 'picture')} in {output}")


@app.command()
@click.argument("network", metavar="NAME")
@click.option(
    "--count",
    type=click.IntRange(50),
    default=2000,
    show_default=True,
    help="How many faces to draw and read.",
)
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="The run or checkpoint it is from: adds s0 to s9 (SeFa).",
)
def directions(network: str, count: int, source: Path | None) -> None:
    """Learn where faces get older, more masculine or smiling in a generator of yours.

    Draws faces, reads age, sex and smile off them, and stores NAME-directions, which `mien edit --with NAME`
    goes along.
    """
    from .. import verbs
    from ..pipeline.directions import CLEAR

    with shown("faces", stoppable=False) as progress:
        told = verbs.directions(network, count=count, source=source, progress=progress)
    for name, value in told.items():
        say(
            f"{name}: told from the styles with a correlation of {value:.2f}"
            + ("" if value >= CLEAR else ", too little to go along")
        )


@app.command()
@click.option("--json", "as_json", is_flag=True, help="All fields on stdout.")
@click.option(
    "--offline-proof",
    is_flag=True,
    help="Run every verb under watch, and tell what it tried to reach: nothing.",
)
def doctor(as_json: bool, offline_proof: bool) -> None:
    """Check this installation.

    The exit code is 1 if there is a problem.
    """
    from .. import verbs

    if offline_proof:
        _proof(as_json)
        return
    report = verbs.doctor()
    if as_json:
        click.echo(json.dumps(report))
    else:
        for name, value in report.items():
            if isinstance(value, dict):
                value = ", ".join(
                    f"{key} {'no' if one is None or one is False else 'yes' if one is True else one}"
                    for key, one in value.items()
                )
            say(f"{name:<12} {', '.join(value) or 'none' if isinstance(value, list) else value}")
    if report["problems"]:
        raise SystemExit(1)


def _proof(as_json: bool) -> None:
    from .. import offline, verbs

    told = verbs.offline_proof()
    if as_json:
        click.echo(json.dumps(told))
    else:
        say(
            f"ran {plural(len(told['commands']), 'command')}; tried to reach: {', '.join(told['tried']) or 'nothing'}"
        )
        if not offline.looks_inside():
            say(
                "what libraries do in machine code could not be watched on this system, only what Python does and what is left in files"
            )
    if told["tried"]:
        raise SystemExit(1)


@app.command()
@click.argument("family")
@click.argument("data", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DATA...")
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="The run's folder.")
@click.option("--preset", default="default", show_default=True, help="tiny, cpu or default.")
@click.option("--set", "overrides", multiple=True, metavar="KNOB=VALUE", help="Change a knob of the preset.")
@click.option(
    "--perceptual",
    "eyes",
    metavar="NAME",
    help="Add a perceptual loss through this embedder of `mien models`, as identity or an imported EfficientNet-Lite0.",
)
@click.option("--seed", default=0, show_default=True)
@click.option(
    "--from",
    "start",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Begin with these weights.",
)
@click.option(
    "--devices",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="GPUs, or processes without one.",
)
@click.option(
    "--accumulate",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    metavar="N",
    help="Batches in N parts, for less memory.",
)
@click.option(
    "--keep", type=click.IntRange(1), default=2, show_default=True, metavar="N", help="Checkpoints to keep."
)
@click.option("--resume", is_flag=True, help="Go on where the run in this folder stopped.")
def train(
    family: str,
    data: tuple[Path, ...],
    output: Path,
    overrides: tuple[str, ...],
    eyes: str | None,
    **rest: Any,
) -> None:
    """Train a network on folders.

    \b
    mien train retouch faces/ pairs/ -o run/ --preset cpu
    mien train stylegan2 faces/ -o run/ --from ffhq.pkl --set freeze=10 --devices 4
    """
    from .. import verbs

    progress = TerminalProgress("training", Event())
    knobs: dict[str, Any] = dict(pair(text) for text in overrides) | ({"eyes": eyes} if eyes else {})
    try:
        best = verbs.train(family, data, output, overrides=knobs, progress=progress, **rest)
    except KeyboardInterrupt as error:
        if error.args:
            say(f"{error}: go on with --resume -o {output}")
        raise
    finally:
        progress.close()
    say(f"{output}: best held-out score {best:.4f}; write it with: mien export {output} -o {family}.onnx")


@app.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The .onnx file to write."
)
@click.option(
    "--bits",
    type=click.Choice(["32", "16", "8"]),
    default="32",
    show_default=True,
    help="That a weight is stored in.",
)
@click.option(
    "--last",
    is_flag=True,
    help="The last weights instead of those that scored best: what discriminators teach no score sees.",
)
@click.option("--force", is_flag=True, help="Write over what is there.")
def export(run: Path, output: Path, bits: str, last: bool, force: bool) -> None:
    """Write a trained network as .onnx.

    Takes the run's best weights, adds the card, and compares torch with ONNX Runtime before it calls the file
    good.
    """
    from .. import verbs

    for path, difference in verbs.export(run, output, bits=int(bits), last=last, force=force).items():
        say(
            f"{path}: {path.stat().st_size / 1e6:.2f} MB; torch and ONNX Runtime differ by at most {difference:.1e}"
        )


@app.command()
@click.argument("faces", type=click.Path(path_type=Path))
@click.argument("pairs", type=click.Path(path_type=Path))
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), help="The .npz file to write."
)
@click.option("--force", is_flag=True, help="Write over what is there.")
def prototypes(faces: Path, pairs: Path, output: Path, force: bool) -> None:
    """Compute the prototypes file.

    FACES is a folder of labelled faces, PAIRS one of the same people with and without a smile.
    """
    from .. import verbs

    error = verbs.prototypes(faces, pairs, output, force=force)
    say(
        f"{output}: age read to {error['age_error_years']:.1f} years, sex right in {error['sex_right']:.1%} of the people held out"
    )
