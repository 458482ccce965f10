"""Arguments of wrong kinds: every verb refuses them in one line."""

import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faces import HOPPER, hopper, kit

from mien import MienError, RequestError, verbs
from mien.arguments import fits, kinds_of

api: Any = verbs  # as those call it who do not look at types
VERBS = [getattr(verbs, name) for name in verbs.__all__ if name != "shared_kit"]
LEFT_OPEN = {"progress"}  # anything that can be told


class Nothing:
    """What no verb takes."""


@pytest.mark.parametrize("verb", VERBS, ids=[verb.__name__ for verb in VERBS])
def test_no_verb_takes_what_is_nothing(verb: Callable[..., Any]):
    kinds = kinds_of(inspect.unwrap(verb))
    needed = [
        one.name
        for one in inspect.signature(verb).parameters.values()
        if one.default is one.empty and one.kind is not one.VAR_KEYWORD
    ]
    for name in sorted(set(kinds) - LEFT_OPEN):
        first = {name: Nothing(), **{other: Nothing() for other in needed if other != name}}
        with pytest.raises(MienError, match=r"Nothing(: | is no picture: )wanted "):
            verb(**first)


@pytest.mark.parametrize(
    ("call", "said"),
    (
        (lambda: api.align(hopper(), size="5"), "align: size is '5': wanted a whole number"),
        (lambda: api.align(hopper(), size=True), "size is True"),
        (lambda: api.read(HOPPER, max_pixels="7"), "read: max_pixels is '7': wanted a whole number"),
        (lambda: api.stylize(hopper(), 5), "stylize: network is 5: wanted text"),
        (lambda: api.swap(hopper(), hopper(), consent=5), "swap: consent is 5: wanted text"),
        (lambda: api.swap(hopper(), hopper(), consent="x", keep="eyes"), "keep is 'eyes': wanted"),
        (lambda: api.edit_clip(5, "out.mp4"), "edit_clip: source is 5: wanted text or a path"),
        (lambda: api.animate(hopper(), {"a": "nod"}, consent="x"), "animate: motion is"),
        (lambda: api.write("photo.jpg", "out.jpg"), "write: photo is 'photo.jpg': wanted a Photo"),
    ),
)
def test_what_came_and_what_was_wanted(call: Callable[[], object], said: str):
    with pytest.raises(RequestError) as refused:
        call()
    assert said in str(refused.value) and "\n" not in str(refused.value) and len(str(refused.value)) < 200


def test_numbers_and_paths_of_other_libraries_are_taken(tmp_path: Path):
    crop = api.align(hopper(), size=np.int64(64), kit=kit())[0][1]
    assert crop.size == 64
    api.write(api.read(str(HOPPER)), tmp_path / "out.png")
    assert next(iter(api.generate("nobody", [np.int32(3)], kit=kit()))).pixels.shape[2] == 3


def test_sequences_are_lists_tuples_and_ranges():
    for value in ([1, 2], (1, 2, 3), range(4), []):
        assert fits(value, Sequence[int]), value
    assert not fits("12", Sequence[int]) and not fits([1, "2"], Sequence[int])
    assert fits((1, "a"), tuple[int, str]) and not fits((1, 2), tuple[int, str])
    assert fits(("a", "b", "c"), tuple[str, ...]) and not fits(["a"], tuple[str, ...])
