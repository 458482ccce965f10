"""The families: one file each."""

from . import retouch, stylegan2

FAMILIES = {"retouch": retouch, "stylegan2": stylegan2}
