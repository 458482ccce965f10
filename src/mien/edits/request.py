"""What can be asked of `edit`, as data: names, ranges, units, phases. Needs neither NumPy nor OpenCV, so that
help and forms cost nothing.

EDITS            the edits by name, in the order in which they are listed
EditRequest      one request, checked once; command line, batch, Python and web build it, labels and `--resume` compare it
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any, TypedDict

from ..arguments import fits, shown
from ..deprecations import GONE, renamed
from ..errors import RequestError
from ..types import Keep, Person, Phase
from . import colours, styles
from .keys import Keys, taken_keys

if TYPE_CHECKING:
    from .effect_pack import Pack

Amounts = Mapping[str, float]  # by name
Asked = Mapping[str, float | str]  # the same, and colours as text
COLOUR, STYLE = "colour", "style"  # the units of edits that are asked for by one
FARTHEST = 10.0  # along a direction that has no range of its own
BEARD_REMOVAL = 2.0  # of a beard, for each unit more feminine
# Hair goes grey with more years than GREY_FROM, or to an age from OLD_FROM on: by so much a year beyond the second
# number of each
GREY_FROM, OLD_FROM, GREYING, GREYEST = (20.0, 10.0), (60.0, 40.0), 1 / 50, 0.85
# Of edits of the whole face. Where none is named it is prototypes with what means have lost, and with what
# comes along.
METHODS = ("prototypes", "network")
WHOLE_FACE = "whole_face"
OLD_WORDS = {"by": "method", "along": "directions", "begin": "start"}


class Strengths(TypedDict, total=False):
    """What `edit` takes by name: the keys of EDITS (a test holds them equal)."""

    smile: float
    age: float
    sex: float
    age_to: float
    hairstyle: str
    gaze: float
    gaze_up: float
    yaw: float
    pitch: float
    roll: float
    blink: float
    surprise: float
    kiss: float
    doubt: float
    beauty: float
    lips: str
    lids: str
    grin: float
    mouth: float
    hair: str
    hair_light: float
    hair_grey: float
    beard: float
    glasses: float
    light: float
    toplight: float
    warmth: float
    effect: str


@dataclass(frozen=True)
class EditOption:
    """One edit that can be asked for.

    made_in: what of `edits` makes it; what that can do in one pass is done in one. low, high, unit: the range
    of its strength, where 0 changes nothing; of a COLOUR or a STYLE, of the strength in it. says: words for people.
    phase: when its turn is. names: the colours or styles that have one.
    """

    made_in: str
    low: float
    high: float
    unit: str
    says: str
    phase: Phase
    names: Mapping[str, str] = field(default_factory=lambda: colours.NAMES)

    @property
    def range(self) -> str:
        """The range in words: "-1 to 1", "-30 to 50 years"."""
        return f"{self.low:g} to {self.high:g} {self.unit}".rstrip()


EDITS = {
    "smile": EditOption(
        WHOLE_FACE, -1, 1, "", "lift the corners of the mouth (below 0: let them down)", Phase.RESHAPE
    ),
    "age": EditOption(
        WHOLE_FACE, -30, 50, "years", "older (below 0: younger); never below 18", Phase.RESHAPE
    ),
    "sex": EditOption(
        WHOLE_FACE,
        -1,
        1,
        "",
        "more masculine (below 0: more feminine, and shaved unless --beard says otherwise)",
        Phase.RESHAPE,
    ),
    "age_to": EditOption(
        WHOLE_FACE,
        18,
        90,
        "years of age",
        "the age to look like, from what the face looks like now",
        Phase.RESHAPE,
    ),
    "hairstyle": EditOption(
        "hairstyle", 0, 1, STYLE, "another hairstyle, in the hair's own colour", Phase.RESHAPE, styles.NAMES
    ),
    "gaze": EditOption("gaze", -1, 1, "", "look to the photo's right (below 0: left)", Phase.RESHAPE),
    "gaze_up": EditOption("gaze", -1, 1, "", "look up (below 0: down)", Phase.RESHAPE),
    "yaw": EditOption(
        "reenact", -20, 20, "degrees", "turn the head to the photo's right (below 0: left)", Phase.RESHAPE
    ),
    "pitch": EditOption("reenact", -12, 12, "degrees", "nod: look down (below 0: up)", Phase.RESHAPE),
    "roll": EditOption(
        "reenact", -6, 6, "degrees", "lean the head to the photo's right (below 0: left)", Phase.RESHAPE
    ),
    "blink": EditOption("reenact", 0, 1, "", "shut the eyes", Phase.RESHAPE),
    "surprise": EditOption("reenact", 0, 1, "", "raise the brows and part the lips", Phase.RESHAPE),
    "kiss": EditOption("reenact", 0, 1, "", "purse the lips", Phase.RESHAPE),
    "doubt": EditOption("reenact", 0, 1, "", "draw the brows together", Phase.RESHAPE),
    "beauty": EditOption(
        "beauty", 0, 1, "", "even the skin and keep its pores; brighter eyes and teeth", Phase.RETOUCH
    ),
    "lips": EditOption("makeup", 0, 1, COLOUR, "colour the lips", Phase.COLOUR),
    "lids": EditOption("makeup", 0, 1, COLOUR, "eye shadow, with a soft line at the lashes", Phase.COLOUR),
    # what parts lips comes after what colours them, or lipstick would be put on the teeth
    "grin": EditOption("grin", 0, 1, "", "a smile that shows teeth", Phase.OVERLAY),
    "mouth": EditOption("mouth", -1, 1, "", "part the lips (below 0: close them)", Phase.OVERLAY),
    "hair": EditOption("hair", 0, 1, COLOUR, "colour the hair", Phase.COLOUR, colours.HAIR),
    "hair_light": EditOption("hair", -1, 1, "", "lighter hair (below 0: darker)", Phase.COLOUR),
    "hair_grey": EditOption(
        "hair", 0, 1, "", "grey in the hair; comes along with --age above 20", Phase.COLOUR
    ),
    "beard": EditOption("beard", -1, 1, "", "a beard, from stubble to full (below 0: shave)", Phase.OVERLAY),
    "glasses": EditOption("eyeglasses", -1, 1, "", "put on glasses (below 0: take them off)", Phase.OVERLAY),
    "light": EditOption("relight", -1, 1, "", "light from the photo's right (below 0: left)", Phase.COLOUR),
    "toplight": EditOption("relight", -1, 1, "", "light from above (below 0: from below)", Phase.COLOUR),
    "warmth": EditOption("relight", -1, 1, "", "warmer light (below 0: cooler)", Phase.COLOUR),
    "effect": EditOption("effect", 0, 1, STYLE, "a mask or stickers", Phase.OVERLAY, styles.EFFECTS),
}


WORDS = {  # the units that are asked for by text, and as what
    COLOUR: "a colour, as in red, #b01030 or rose:0.5",
    STYLE: "a name, as in {0.example}, or {0.own}",
}


def check(strengths: Asked, *, own: Collection[str] = ()) -> None:
    """Refuse unknown edits, strengths out of range, and colours and styles that are none. own: the styles that are
    somebody's own, and need no name."""
    for name, value in strengths.items():
        if name not in EDITS:
            near = difflib.get_close_matches(str(name), EDITS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(EDITS)}"
            raise RequestError(f"no edit is called {name!r}: {hint}")
        option = EDITS[name]
        given: Any = value
        number = fits(given, float)
        if isinstance(value, str) != (option.unit in WORDS) or not (number or isinstance(given, str)):
            number_ = f"a number from {option.low:g} to {option.high:g}"
            wanted = WORDS.get(option.unit, number_).format(styles.NAMED.get(name))
            raise RequestError(f"{name} wants {wanted}; {shown(value)} came")
        if option.unit == STYLE:
            style, _ = styles.parse(str(value), name)
            if name not in own:
                styles.check(style, name)
        elif isinstance(value, str):
            colours.parse(value, option.names)
        elif value and not option.low <= value <= option.high:
            raise RequestError(f"{name} {value:g} is out of range: from {option.range}")


def amount_of(name: str, value: float | str) -> float:
    """How much is asked of an edit: the strength of a colour or a style, or the number itself; 0 is nothing."""
    if not isinstance(value, str):
        return value
    option = EDITS[name]
    return (
        styles.parse(value, name)[1] if option.unit == STYLE else colours.parse(value, option.names).strength
    )


@dataclass(frozen=True)
class EditRequest:
    """What is to be done to faces: built once, compared by labels, `--resume` and batches.

    strengths: by the names of EDITS, numbers and colours. face: "all", "largest", a number as `find` counts, or
    a person. method: one of METHODS, None for the best. network: the generator that does what concerns the
    whole face; directions: amounts by the names of its own directions. start, end: of a clip, the part in
    seconds that is edited and written; keys: how much of all this is done when, see `edits.keys`; a photo is
    as a clip is at its start. licence: "commercial" refuses networks that may not be used so.
    mark: the words in a corner of what is written, by standard, see `io.notice`; None for the usual ones. hair: of the
    strength "hairstyle", where it names a picture and no style in the box; pack: of the strength "effect", where it names
    a pack of somebody's own. keep: of a photo, where it stays as it was.
    """

    strengths: Asked = field(default_factory=dict)
    face: str | Person = "all"
    method: str | None = None
    network: str | None = None
    directions: Amounts = field(default_factory=dict)
    start: float | None = None
    end: float | None = None
    keys: Keys = ()
    licence: str | None = None
    mark: str | None = None
    hair: styles.TakenHair | None = None
    pack: Pack | None = None
    keep: Keep | None = None

    def checked(self) -> EditRequest:
        """Itself, where it makes sense; otherwise a `RequestError` that says what does not."""
        if not isinstance(self.strengths, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - it is anybody's
            raise RequestError(
                f"strengths are {self.strengths!r}: a mapping from edits to strengths was wanted"
            )
        check(self.strengths, own=self.own)
        taken_keys(self.keys)
        if self.network and self.method:
            raise RequestError(
                f"either a maker or a network: leave out --by {self.method} or --with {self.network}"
            )
        if self.strengths.get("age") and self.strengths.get("age_to"):
            raise RequestError("either years or an age: leave out --age or --age-to")
        if self.strengths.get("hair") and self.strengths.get("hair_grey"):
            raise RequestError("grey is a colour too: leave out --hair or --hair-grey")
        if self.strengths.get("smile") and self.strengths.get("grin"):
            raise RequestError("a grin is a smile already: leave out --smile or --grin")
        if self.method and self.method not in METHODS:
            raise RequestError(f"no maker is called {self.method!r}: there are {', '.join(METHODS)}")
        if any(self.directions.values()) and not self.network:
            raise RequestError("directions belong to a generator: say which with --with NAME")
        for name, value in self.directions.items():
            if not abs(value) <= FARTHEST:
                raise RequestError(
                    f"along {name} {value:g} is out of range: from -{FARTHEST:g} to {FARTHEST:g}"
                )
        return self

    @property
    def own(self) -> tuple[str, ...]:
        """What is no style in the box."""
        return ("hairstyle",) * (self.hair is not None) + ("effect",) * (self.pack is not None)

    def arguments(self) -> dict[str, Any]:
        """What the label says of it: what was asked for, but for what is not said or is nothing."""
        said = said_of_face(self.face) | {
            "by": self.method,
            "network": self.network,
            "along": dict(self.directions),
        }
        said |= {"begin": self.start, "end": self.end, "mark": self.mark}
        said |= {"keys": [list(one) for one in self.keys]}
        if self.hair:
            said |= {"hairstyle": self.hair.source.title, "hairstyle_sha256": self.hair.source.sha256}
        if self.pack:
            said |= {"effect_sha256": self.pack.sha256}
        if self.keep:
            said |= {"keep": self.keep.name, "keep_sha256": self.keep.sha256}
        return dict(self.strengths) | {name: value for name, value in said.items() if value}

    @property
    def amounts(self) -> dict[str, float | str]:
        """The strengths that are not 0, and what comes along: more feminine faces lose the beard, and hair of much
        older ones goes grey, if nothing was said about that."""
        strengths = dict(self.strengths)
        if not self.method and not self.network:
            sex = float(strengths.get("sex", 0.0))
            if sex < 0 and "beard" not in strengths:
                strengths["beard"] = max(BEARD_REMOVAL * sex, -1.0)
            if not strengths.keys() & {"hair", "hair_grey"}:
                strengths["hair_grey"] = self._greying()
        return {name: value for name, value in strengths.items() if amount_of(name, value)}

    def _greying(self) -> float:
        """How much of the hair goes grey with the years that are asked for."""
        years, age = (float(self.strengths.get(name, 0.0)) for name in ("age", "age_to"))
        for asked, (least, beyond) in ((years, GREY_FROM), (age, OLD_FROM)):
            if asked > least:
                return min((asked - beyond) * GREYING, GREYEST)
        return 0.0

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""
        return not self.amounts and not any(self.directions.values())


def nothing_asked(words: Iterable[str]) -> RequestError:
    """What to say where no edit is asked for. words: what there is to ask with."""
    return RequestError(f"nothing to do: say what to change with {', '.join(words)}")


def request_of(given: dict[str, Any], **rest: Any) -> EditRequest:
    """The request that keyword arguments are: strengths `given` by name, old words among them, and the rest."""
    words = renamed(given, OLD_WORDS, gone_in=GONE)
    if twice := [new for new in words if rest.get(new)]:
        raise RequestError(f"{twice[0]} was given twice, by its old word too: leave one out")
    strengths = {name: plain_number(value) for name, value in given.items()}
    about: dict[str, Any] = {**rest, **words}
    about["directions"] = dict(about["directions"] or {})
    return EditRequest(strengths, **about)


def said_of_face(face: str | Person | None) -> dict[str, Any]:
    """What the label says of the faces that are meant."""
    return {"face": face.name, "face_sha256": face.sha256} if isinstance(face, Person) else {"face": face}


def plain_number(value: Any) -> Any:
    """NumPy's numbers as Python's, which labels and comparisons take; anything else as it is."""
    known = isinstance(value, str | bool | int | float)
    return value if known or not isinstance(value, Real) else float(value)
