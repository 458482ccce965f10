"""Arguments of the verbs, looked at once and in one place: what is of a wrong kind is a `RequestError` that says
what came and what was wanted, not an error of whatever it met inside."""

from __future__ import annotations

import functools
import inspect
import os
import reprlib
import types
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, BinaryIO, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from .errors import RequestError

Verb = TypeVar("Verb", bound=Callable[..., Any])
NUMBERS: dict[Any, type] = {int: Integral, float: Real}  # NumPy's are numbers, too
LARGEST = 10**300  # no float holds much larger ones
WORDS = {int: "a whole number", float: "a number", str: "text", bool: "True or False", os.PathLike: "a path"}


def checked(verb: Verb) -> Verb:
    """`verb`, which refuses arguments that are not of the kinds its signature says."""

    @functools.wraps(verb)
    def call(*args: Any, **kwargs: Any) -> Any:
        for name, value in inspect.signature(verb).bind(*args, **kwargs).arguments.items():
            wanted = kinds_of(verb).get(name, Any)
            if not fits(value, wanted):
                raise RequestError(f"{verb.__name__}: {name} is {shown(value)}: wanted {worded(wanted)}")
        return verb(*args, **kwargs)

    return cast(Verb, call)


@functools.cache
def kinds_of(verb: Callable[..., Any]) -> dict[str, Any]:
    """The kind of each argument of a verb that has a name of its own. Arrays, and so pictures, are of any kind:
    `as_photo` says more of them."""
    hints, parameters = get_type_hints(verb), inspect.signature(verb).parameters.values()
    return {one.name: hints[one.name] for one in parameters if one.kind is not one.VAR_KEYWORD}


def fits(value: Any, kind: Any) -> bool:
    """Whether a value is of a kind as signatures spell it."""
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, types.UnionType):
        return any(fits(value, one) for one in inner)
    if origin in NUMBERS:
        number = isinstance(value, NUMBERS[origin]) and not isinstance(value, bool)
        return number and not (isinstance(value, Integral) and abs(int(value)) > LARGEST)
    if origin is BinaryIO:
        return hasattr(value, "read") and hasattr(value, "seek")
    if origin is Any or not isinstance(origin, type) or getattr(origin, "_is_protocol", False):
        return True  # what cannot be told by looking
    if not isinstance(value, origin):
        return False
    if isinstance(value, Mapping):
        return all(fits(key, inner[0]) and fits(one, inner[1]) for key, one in value.items())
    if isinstance(value, str | bytes):  # these are no sequences of anything
        return not inner
    if origin is tuple and inner and inner[-1] is not ...:
        return len(value) == len(inner) and all(map(fits, value, inner))
    return not isinstance(value, Sequence) or not inner or all(fits(one, inner[0]) for one in value)


def shown(value: Any) -> str:
    """A value in a few words."""
    plain = isinstance(value, (str, bytes, int, float, list, tuple, dict, types.NoneType))
    return reprlib.repr(value) if plain else f"a {type(value).__name__}"


def worded(kind: Any) -> str:
    """A kind in words."""
    origin, inner = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(map(worded, inner)))
    if origin in WORDS:
        return WORDS[origin]
    if origin is types.NoneType:
        return "None"
    of = ", ".join(worded(one).removeprefix("a ") for one in inner if one is not ...)
    return f"a {origin.__name__} of {of}" if of else f"a {origin.__name__}"
