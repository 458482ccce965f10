"""The families: one file each."""

from . import bare, cyclegan, parser, pix2pix, pix2pixhd, psp, retouch, stargan, style, stylegan2

FAMILIES = {
    "bare": bare,
    "parser": parser,
    "retouch": retouch,
    "stylegan2": stylegan2,
    "psp": psp,
    "cyclegan": cyclegan,
    "pix2pix": pix2pix,
    "pix2pixhd": pix2pixhd,
    "stargan": stargan,
    "style": style,
}
