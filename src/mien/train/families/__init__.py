"""The families: one file each."""

from . import (
    autoencoder,
    bare,
    cyclegan,
    faceswap_gan,
    parser,
    pix2pix,
    pix2pixhd,
    psp,
    retouch,
    sketch,
    stargan,
    style,
    stylegan2,
    talking_head,
)

FAMILIES = {
    "bare": bare,
    "parser": parser,
    "sketch": sketch,
    "retouch": retouch,
    "stylegan2": stylegan2,
    "psp": psp,
    "cyclegan": cyclegan,
    "pix2pix": pix2pix,
    "pix2pixhd": pix2pixhd,
    "stargan": stargan,
    "style": style,
    "autoencoder": autoencoder,
    "faceswap_gan": faceswap_gan,
    "talking_head": talking_head,
}
