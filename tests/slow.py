"""Which tests are slow: `python -m pytest --durations=0 | tee run.log; python tests/slow.py run.log` writes `slow.txt`
anew, from which they get their mark."""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from pathlib import Path

LIST = Path(__file__).with_name("slow.txt")
SECONDS = 1.5
LINE = re.compile(r"([\d.]+)s (?:call|setup|teardown) +tests/(\S+?::\w+)(\S*)")


def slow_in(log: str) -> list[str]:
    """The functions of which some case took longer, of a log of pytest's."""
    took = defaultdict[tuple[str, str], float](float)
    for seconds, function, case in LINE.findall(log):
        took[function, case] += float(seconds)
    return sorted({function for (function, _), seconds in took.items() if seconds > SECONDS})


if __name__ == "__main__":
    LIST.write_text("\n".join(slow_in(Path(sys.argv[1]).read_text())) + "\n")
