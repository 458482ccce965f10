"""Portraits that no rule of `selection` finds and an eye does, with what is wrong with them in a collage."""

STRUCK: dict[str, str] = {}
