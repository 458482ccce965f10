"""Packages that only some of mien needs: loaded when they are first used, and named, with what to type, where
they are not there."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from .errors import RequestError


def training(module: str) -> Any:
    """The module `mien.train.MODULE`, which needs packages that editing does not; a `RequestError` where one
    is missing."""
    try:
        return import_module(f".train.{module}", __package__)
    except ModuleNotFoundError as error:
        raise RequestError(
            f"training needs the package {error.name}, which is not here: pip install 'mien[train]'"
        ) from error
