"""The families: one file each."""

from . import parser, psp, retouch, stylegan2

FAMILIES = {"parser": parser, "retouch": retouch, "stylegan2": stylegan2, "psp": psp}
