"""What a benchmark found, as JSON for `benchmarks/results`, which the docs are made from."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def save(path: Path | None, command: str, rows: list[dict[str, Any]], **about: Any) -> None:
    """Write rows with the command that measured them and the number of cores; nothing where no path is
    given."""
    if path:
        found = {"command": command, "machine": f"{os.cpu_count()} cores", **about, "rows": rows}
        path.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
