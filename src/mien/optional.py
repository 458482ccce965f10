"""Packages that only some of mien needs: loaded when they are first used, and named, with what to type, where
they are not there."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .errors import RequestError

TRAINING = ("torch", "lightning_fabric", "onnx", "onnxscript", "safetensors", "tensorboard")


def training(module: str) -> Any:
    """The module `mien.train.MODULE`, which needs packages that editing does not; a `RequestError` where one
    is missing."""
    try:
        return import_module(f".train.{module}", __package__)
    except ModuleNotFoundError as error:
        raise _lacking(str(error.name)) from error


def missing() -> str | None:
    """The package that training needs and that is not here, without loading any."""
    return next((package for package in TRAINING if find_spec(package) is None), None)


def check_training() -> None:
    """A `RequestError` where one is missing."""
    if package := missing():
        raise _lacking(package)


def _lacking(package: str) -> RequestError:
    return RequestError(f"training needs the package {package}, which is not here: pip install 'mien[train]'")
