"""Every edit on people nobody trained on, by `mien bench edits`: whether it goes in the right direction, and
how near the methods bring faces to real people who have what was asked for.

    python benchmarks/edits.py FACES [--count 60] [--json benchmarks/results]

FACES is a folder that `mien train retouch` takes; people who are held out from that are edited. Each edit is
tried on the first COUNT of them who can show it. `--json` names the folder of methods.json, of smile, age and
sex by every method, and of other_edits.json.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import Any

import figures

from mien import Kit
from mien.measure import benchmark, reference
from mien.measure.benchmark import Row

COMPARED = ("smile", "age", "sex")  # by every method; benchmarks/quality.py says which way they went


def compared(rows: list[Row]) -> list[dict[str, Any]]:
    """A row an edit, with what each method came to."""
    return [
        {"edit": edit, "strength": strength}
        | {
            row.by: {
                "people": row.fit,
                "nearer": round(row.nearer, 2) if row.nearer else None,
                "identity": round(row.identity, 3),
            }
            for row in tried
        }
        for (edit, strength), tried in itertools.groupby(rows, lambda row: (row.edit, row.strength))
    ]


def right_way(rows: list[Row]) -> list[dict[str, Any]]:
    """A row an edit: how often it went in the right direction."""
    return [
        {
            "edit": row.edit,
            "strength": row.strength,
            "right_way": round(row.success, 2),
            "people": row.fit,
        }
        for row in rows
        if row.success is not None
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("faces", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    kit, labels = Kit(threads=1), reference.labels(asked.faces)
    real = reference.read(asked.faces)
    crowd = benchmark.gather(benchmark.photos(asked.faces, len(labels)), kit, labels)
    print(*benchmark.table([]), sep="\n", flush=True)
    methods, others = [], []
    for trial in benchmark.trials():
        if trial.by and trial.edit not in COMPARED:
            continue
        able = [person for person in crowd if trial.shows_on(person)][: asked.count]
        row, _ = benchmark.run(trial, able, kit, real=real)
        (methods if trial.edit in COMPARED else others).append(row)
        print(benchmark.table([row])[-1], flush=True)
    if asked.json:
        command = f"python benchmarks/edits.py FACES --count {asked.count}"
        seams = [row.seam for row in methods if row.by == "prototypes"]
        figures.save(
            asked.json / "methods.json",
            command,
            compared(methods),
            people_held_out=True,
            seam_of_prototypes={"low": round(min(seams), 2), "high": round(max(seams), 2)},
        )
        figures.save(asked.json / "other_edits.json", command, right_way(others), people_held_out=True)


if __name__ == "__main__":
    main()
