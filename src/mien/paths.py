"""Where mien keeps what belongs to this user: networks that were imported, and the key that labels are signed
with."""

from __future__ import annotations

import os
from pathlib import Path


def data_folder() -> Path:
    """MIEN_HOME, or the platform's own place for a user's data."""
    import platformdirs

    return Path(os.environ.get("MIEN_HOME") or platformdirs.user_data_dir("mien", appauthor=False))
