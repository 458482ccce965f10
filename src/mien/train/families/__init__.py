"""The families: one file each."""

from . import retouch

FAMILIES = {"retouch": retouch}
