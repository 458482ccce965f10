"""Networks: those that are there, and how to make one's own."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event
from typing import Any

import click

from .app import app, plural, say
from .options import LICENCES, pair
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

    Reads NVIDIA's .pkl, .pt with g_ema, pSp, e4e and IR-SE-50, talking heads' .tar, and the .pth of CycleGAN, pix2pix,
    pix2pixHD, StarGAN, fast style transfer and AdaIN, by what is in them, without ever running it. pix2pix's published
    pictures were made in training mode, which `--own-statistics --sample` keeps.
    """
    from .. import verbs

    with shown(file.name, stoppable=False) as progress:
        found = verbs.import_network(
            file,
            name or file.stem.lower(),
            own_statistics=own_statistics,
            sample=sample,
            progress=progress,
        )
    for entry in found:
        say(f"{entry.name}: {entry.role}, {entry.path.stat().st_size / 1e6:.1f} MB")


@models.command("remove")
@click.argument("name")
def remove(name: str) -> None:
    """Take a network of yours away, and its file; those of the box stay."""
    from .. import verbs

    verbs.remove_network(name)
    say(f"removed {name}")


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


@app.command()
@click.argument("faces", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(path_type=Path),
    help="The folder to write the files into.",
)
@click.option("--force", is_flag=True, help="Write over what is there.")
def collage(faces: Path, output: Path, force: bool) -> None:
    """Compute the generator `nobody`.

    FACES is a folder of labelled faces. Those of people who do not exist become the bank that faces are put together
    from; how faces vary is learned from all.
    """
    from .. import verbs

    with shown("faces", stoppable=False) as progress:
        told = verbs.collage(faces, output, force=force, progress=progress)
    say(f"{output}: {plural(round(told['members']), 'portrait')} in the bank, {told['megabytes']:.1f} MB")
