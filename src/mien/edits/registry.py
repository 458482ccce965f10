"""How a Change is made: `Prototype`, `Retouch` and `Along` here, what needs no network in `cosmetics`, `light` and `gestures`; all are
`Crop -> Change`. EDITS says what can be asked for, `plan` turns a request into the edits that do it, one after the other."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..errors import RequestError
from ..face import mesh
from ..models.encoder import Encoder
from ..models.generator import Generator
from ..models.kit import Kit
from ..models.prototypes import ADULT, Prototypes
from ..models.retoucher import Retoucher
from ..models.translator import Translator
from ..types import Alignment, Array, Change, Crop, Direction, Edit, Latent, Networks
from . import age_floor, colours
from . import line_art as paper
from .age_floor import Adult, AgeReader
from .beard import Beard
from .eyeglasses import Glasses
from .gaze import Gaze
from .hair import Hair
from .makeup import Beauty, Makeup
from .mouth import Grin, Mouth
from .relight import Relight
from .removal import Removal

Strengths = Mapping[str, float]  # by name
Asked = Mapping[str, float | str]  # the same, and colours as text
COLOUR = "colour"  # the unit of edits that are asked for by one
SHUT = 0.7  # of an open mouth that closes when a smile is let down wholly
FARTHEST = 10.0  # along a direction that has no range of its own
# Of edits of the whole face. Where none is named it is prototypes with what means have lost, and with what comes along (`_brought`).
MAKERS = ("prototypes", "network")
SHAVED = 2.0  # of a beard, for each unit more feminine


@dataclass(frozen=True, eq=False)
class Prototype:
    """An edit by the difference of mean faces, and by what means have lost."""

    prototypes: Prototypes
    strengths: Strengths
    reader: AgeReader
    means_only: bool = False
    alignment = Alignment("head", 448)

    @property
    def networks(self) -> Networks:
        return ((self.prototypes.name, self.prototypes.sha256),)

    def __call__(self, crop: Crop) -> Change:
        smile, sex = self.strengths.get("smile", 0.0), self.strengths.get("sex", 0.0)
        mouth = self.prototypes.mouth_of(smile)
        mouth[2] += SHUT * min(smile, 0) * mesh.mouth_shape(crop.landmarks)[2]

        def aged(years: float, mouth: Array | None = None) -> Change:
            return self.prototypes.change(crop, mouth=mouth, age=years, sex=sex, means_only=self.means_only)

        years, said = _years(self.strengths, self.reader, crop, aged)
        return replace(aged(years, mouth), note=said)


@dataclass(frozen=True, eq=False)
class Retouch:
    """An edit by the retouch network."""

    retoucher: Retoucher
    prototypes: Prototypes
    strengths: Strengths
    reader: AgeReader
    alignment = Alignment("face", 384)

    @property
    def networks(self) -> Networks:
        return self.retoucher.net.networks

    def __call__(self, crop: Crop) -> Change:
        width, lift, opening = map(float, self.prototypes.mouth_of(self.strengths.get("smile", 0.0)))

        def aged(years: float, share: float = 0.0) -> Change:
            mouth = {"width": share * width, "lift": share * lift, "opening": share * opening}
            return self.retoucher.change(crop, **mouth, age=years, sex=self.strengths.get("sex", 0.0))

        years, said = _years(self.strengths, self.reader, crop, aged)
        return replace(aged(years, 1.0), note=said)


def _years(strengths: Strengths, reader: AgeReader, crop: Crop, aged: Callable[[float], Change]) -> tuple[float, str]:
    """How many years older a face is made: as asked, or from the age that it looks to the one that was asked for, held above the floor
    (`age_floor`); and what to say where that is less. aged: the Change that makes so many years of it, and all else that tells of age."""
    asked = strengths.get("age", 0.0)
    if not {"age", "age_to", "sex"} & strengths.keys():
        return 0.0, ""
    now, others = reader.read(crop), any(value for name, value in strengths.items() if name not in ("age", "age_to", "smile"))
    if "age_to" in strengths:
        asked = float(np.clip(strengths["age_to"] - reader.prototypes.read(crop).age, EDITS["age"].low, EDITS["age"].high))
    done = age_floor.held_years(now, asked, lambda years: reader.after(crop, aged(years)), alone=not others)
    return done, age_floor.note(now, asked, done)


@dataclass(frozen=True, eq=False)
class LatentEdit:
    """An edit by a generator: find the face in its space, move it, and change the photo by how the two pictures differ.

    The photo's own pixels follow the landmarks of the two pictures, and only what is left of the difference is added: what the
    generator cannot show (hats, pores, the background) stays. strengths: by the names of directions.
    """

    kit: Kit
    encoder: Encoder
    generator: Generator
    directions: Mapping[str, Direction]
    strengths: Strengths
    learned: Networks = ()  # the directions' own file

    @property
    def alignment(self) -> Alignment:
        return Alignment(self.encoder.net.card.template or "ffhq", self.generator.net.card.size)

    @property
    def networks(self) -> Networks:
        return (*self.encoder.net.networks, *self.generator.net.networks, *self.learned)

    def __call__(self, crop: Crop) -> Change:
        asked = dict(self.strengths)
        if not {"age", "age_to"} & asked.keys():
            return self._change(crop, asked)
        rest = {name: amount for name, amount in asked.items() if name not in ("age", "age_to")}
        plain = {name: amount for name, amount in rest.items() if name != "smile"}
        years, said = _years(asked, _reader(self.kit), crop, lambda years: self._change(crop, plain | {"age": years}))
        return replace(self._change(crop, rest | {"age": years}), note=said)

    def _change(self, crop: Crop, amounts: Strengths) -> Change:
        size, triangles = crop.size, self.kit.prototypes.triangles
        before, after = self.generator.shades(np.stack([one.codes for one in self._latents(crop, amounts)]))
        seen = [self._landmarks(one) for one in (before, after)]
        start, end = (mesh.with_border_points(crop.landmarks if one is None else one, size) for one in seen)
        if any(one is None for one in seen):  # no face to follow: only colours change
            end = start
        face = mesh.with_border_points(crop.landmarks, size)
        moved = face + (end - start)
        flow, reach = mesh.motion(face, moved, triangles, size)
        difference = after - mesh.remap(before, mesh.dense_map(end, start, triangles, size))
        colour = mesh.remap(difference, mesh.dense_map(moved, end, triangles, size))
        return Change(flow, colour, np.clip(reach * 2, 0, 1))

    def _latents(self, crop: Crop, amounts: Strengths) -> tuple[Latent, Latent]:
        """The face as it is, and as it is wanted."""
        asked, space = dict(amounts), self.generator.space
        if "age" in self.encoder.conditions:  # SAM: the encoder itself is told an age (Alaluf et al. 2021, arXiv 2102.02754)
            now = max(self.kit.prototypes.read(crop).age, ADULT)
            codes = [self.encoder.invert(crop, age=age) for age in (now, max(now + asked.pop("age", 0.0), ADULT))]
        else:
            codes = [self.encoder.invert(crop)] * 2
        start, end = (Latent(one, space) for one in codes)
        for name, amount in asked.items():
            end = end.along(self.directions[name], amount)
        return start, end

    def _landmarks(self, shades: Array) -> Array | None:
        """Those of the largest face in a picture of the generator."""
        faces = self.kit.faces(np.clip(np.rint(shades * 255), 0, 255).astype(np.uint8))
        return max(faces, key=lambda one: one.area).landmarks if faces else None


@dataclass(frozen=True, eq=False)
class TranslatorEdit:
    """An edit by a translator: the face as the network draws it, `strength` 0..1 of the way, fading out around it. One of drawings is
    shown the face's lines."""

    translator: Translator
    strength: float
    style: Array | None
    asked: Strengths

    @property
    def alignment(self) -> Alignment:
        return Alignment(self.translator.net.card.template or "ffhq", max(self.translator.net.card.size, 256))

    @property
    def networks(self) -> Networks:
        return self.translator.net.networks

    def __call__(self, crop: Crop) -> Change:
        seen = paper.pencil(crop.pixels) if self.translator.channels == 1 else crop.pixels
        drawn = self.translator.translate(seen, style=self.style, asked=self.asked)
        face = mesh.with_border_points(crop.landmarks, crop.size)
        reach = mesh.influence_mask(face, face, crop.size)
        colour = (drawn.astype(np.float32) - crop.pixels) / 255
        return Change(np.zeros((crop.size, crop.size, 2), np.float32), colour, reach * np.float32(self.strength))


def of_faces(asked: Asked, kit: Kit) -> Edit:
    return Prototype(kit.prototypes, _numbers(asked), _reader(kit))


def of_hair(asked: Asked, kit: Kit) -> Edit:
    text = str(asked.get("hair", ""))
    colour = colours.parse(text, colours.HAIR) if text else None
    natural = text.partition(":")[0].strip().lower() in colours.HAIR
    return Hair(kit.parser, colour, float(asked.get("hair_light", 0.0)), with_beard=natural)


def of_glasses(asked: Asked, kit: Kit) -> Edit:
    strength = _numbers(asked)["glasses"]
    return Removal(kit.bare, kit.parser, "glasses", -strength) if strength < 0 else Glasses(strength=strength, networks=_mesh_of(kit))


def of_beard(asked: Asked, kit: Kit) -> Edit:
    strength = _numbers(asked)["beard"]
    return Removal(kit.bare, kit.parser, "beard", -strength) if strength < 0 else Beard(strength=strength, networks=_mesh_of(kit))


def of_beauty(asked: Asked, kit: Kit) -> Edit:
    return Beauty(_numbers(asked)["beauty"], _mesh_of(kit))


def of_makeup(asked: Asked, kit: Kit) -> Edit:
    lips, lids = (colours.parse(str(asked[name])) if name in asked else None for name in ("lips", "lids"))
    return Makeup(lips, lids, kit.prototypes.triangles, _mesh_of(kit))


def of_light(asked: Asked, kit: Kit) -> Edit:
    light, toplight, warmth = (_numbers(asked).get(name, 0.0) for name in ("light", "toplight", "warmth"))
    return Relight(light, toplight, warmth, kit.prototypes.triangles, _mesh_of(kit))


def of_gaze(asked: Asked, kit: Kit) -> Edit:
    across, up = (_numbers(asked).get(name, 0.0) for name in ("gaze", "gaze_up"))
    return Gaze(across, up, kit.prototypes.triangles, _mesh_of(kit))


def of_grin(asked: Asked, kit: Kit) -> Edit:
    learned = (kit.prototypes.name, kit.prototypes.sha256)
    return Grin(_numbers(asked)["grin"], kit.prototypes, (*_mesh_of(kit), learned))


def of_mouth(asked: Asked, kit: Kit) -> Edit:
    return Mouth(_numbers(asked)["mouth"], kit.prototypes.triangles, _mesh_of(kit))


def _reader(kit: Kit) -> AgeReader:
    return AgeReader(kit.prototypes, kit.landmarker)


def _numbers(asked: Asked) -> dict[str, float]:
    return {name: float(value) for name, value in asked.items()}


def _mesh_of(kit: Kit) -> Networks:
    """What is learned in edits that know nothing but where the face lies."""
    return (*kit.landmarker.mesh.net.networks, *kit.landmarker.iris.net.networks)


@dataclass(frozen=True)
class Kind:
    """One thing that can be asked for: what makes it, the range and unit of its strength (0 changes nothing), and what to tell people.
    Where the unit is COLOUR it is asked for as `colours.parse` takes it, and the range is that of the strength in it.

    What one maker can do in one pass is done in one; the others follow in the order of EDITS.
    """

    maker: Callable[[Asked, Kit], Edit]
    low: float
    high: float
    unit: str
    says: str
    names: Mapping[str, str] = field(default_factory=lambda: colours.NAMES)


EDITS = {
    "smile": Kind(of_faces, -1, 1, "", "lift the corners of the mouth (below 0: let them down)"),
    "age": Kind(of_faces, -30, 50, "years", "older (below 0: younger); never below 18"),
    "sex": Kind(of_faces, -1, 1, "", "more masculine (below 0: more feminine, and shaved unless --beard says otherwise)"),
    "age_to": Kind(of_faces, 18, 90, "years of age", "the age to look like, from what the face looks like now"),
    "gaze": Kind(of_gaze, -1, 1, "", "look to the photo's right (below 0: left)"),
    "gaze_up": Kind(of_gaze, -1, 1, "", "look up (below 0: down)"),
    "beauty": Kind(of_beauty, 0, 1, "", "even the skin and keep its pores; brighter eyes and teeth"),
    "lips": Kind(of_makeup, 0, 1, COLOUR, "colour the lips"),
    "lids": Kind(of_makeup, 0, 1, COLOUR, "eye shadow, with a soft line at the lashes"),
    # what parts lips comes after what colours them, or lipstick would be put on the teeth
    "grin": Kind(of_grin, 0, 1, "", "a smile that shows teeth"),
    "mouth": Kind(of_mouth, -1, 1, "", "part the lips (below 0: close them)"),
    "hair": Kind(of_hair, 0, 1, COLOUR, "colour the hair", colours.HAIR),
    "hair_light": Kind(of_hair, -1, 1, "", "lighter hair (below 0: darker)"),
    "beard": Kind(of_beard, -1, 1, "", "a beard, from stubble to full (below 0: shave)"),
    "glasses": Kind(of_glasses, -1, 1, "", "put on glasses (below 0: take them off)"),
    "light": Kind(of_light, -1, 1, "", "light from the photo's right (below 0: left)"),
    "toplight": Kind(of_light, -1, 1, "", "light from above (below 0: from below)"),
    "warmth": Kind(of_light, -1, 1, "", "warmer light (below 0: cooler)"),
}


def check(strengths: Asked) -> None:
    """Refuse unknown edits, strengths out of range, and colours that are none."""
    for name, value in strengths.items():
        if name not in EDITS:
            near = difflib.get_close_matches(name, EDITS, 1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(EDITS)}"
            raise RequestError(f"no edit is called {name!r}: {hint}")
        kind = EDITS[name]
        if isinstance(value, str) != (kind.unit == COLOUR):
            wanted = "a colour, as in red, #b01030 or rose:0.5" if kind.unit == COLOUR else f"a number from {kind.low:g} to {kind.high:g}"
            raise RequestError(f"{name} wants {wanted}; {value!r} came")
        if isinstance(value, str):
            colours.parse(value, kind.names)
        elif value and not kind.low <= value <= kind.high:
            raise RequestError(f"{name} {value:g} is out of range: from {kind.low:g} to {kind.high:g} {kind.unit}".rstrip())


def plan(
    strengths: Asked, kit: Kit, by: str | None = None, *, network: str | None = None, along: Strengths | None = None
) -> tuple[Edit, ...]:
    """The edits that do all of `strengths` (name -> value, see EDITS), in order; none where every strength is 0. What is taken off is taken
    off first, so that the others see the face below. by: one of MAKERS, None for the best.

    network: the generator that does what concerns the whole face; `along` are amounts by the names of its own directions.
    """
    check(strengths)
    if network and by:
        raise RequestError(f"either a maker or a network: leave out --by {by} or --with {network}")
    if strengths.get("age") and strengths.get("age_to"):
        raise RequestError("either years or an age: leave out --age or --age-to")
    if strengths.get("smile") and strengths.get("grin"):
        raise RequestError("a grin is a smile already: leave out --smile or --grin")
    if by and by not in MAKERS:
        raise RequestError(f"no maker is called {by!r}: there are {', '.join(MAKERS)}")
    if not by and not network:
        strengths = _brought(strengths)
    makers = dict.fromkeys(kind.maker for kind in EDITS.values())
    asked = {
        maker: {name: value for name, value in strengths.items() if _much(value, EDITS[name].names) and EDITS[name].maker is maker}
        for maker in makers
    }
    if any((along or {}).values()) and not network:
        raise RequestError("directions belong to a generator: say which with --with NAME")
    whole = _numbers(asked.pop(of_faces)) | _further(along or {})
    stages: list[Edit] = [maker(values, kit) for maker, values in asked.items() if values]
    if whole and network:
        stages.insert(0, _along(network, whole, kit))
    elif whole and by == "network":
        stages.insert(0, Retouch(kit.retoucher, kit.prototypes, whole, _reader(kit)))
    elif whole:
        stages.insert(0, Prototype(kit.prototypes, whole, _reader(kit), means_only=by == "prototypes"))
    stages.sort(key=lambda stage: not isinstance(stage, Removal))
    return tuple(Adult(stage, _reader(kit)) if isinstance(stage, Removal | Beauty | LatentEdit) else stage for stage in stages)


def _brought(strengths: Asked) -> Asked:
    """What was asked for, and what comes along: whoever gets more feminine loses the beard, if nothing was said about that."""
    sex = float(strengths.get("sex", 0.0))
    return {**strengths, "beard": max(SHAVED * sex, -1.0)} if sex < 0 and "beard" not in strengths else strengths


def _much(value: float | str, names: Mapping[str, str]) -> float:
    return colours.parse(value, names).strength if isinstance(value, str) else value


def _further(along: Strengths) -> dict[str, float]:
    for name, value in along.items():
        if abs(value) > FARTHEST:
            raise RequestError(f"along {name} {value:g} is out of range: from -{FARTHEST:g} to {FARTHEST:g}")
    return {name: value for name, value in along.items() if value}


def _along(network: str, strengths: Strengths, kit: Kit) -> LatentEdit:
    encoder, (_, generator) = kit.encoder(network), kit.generator(network)
    wanted = [name for name in ("age" if one == "age_to" else one for one in strengths) if name not in encoder.conditions]
    if not wanted:
        return LatentEdit(kit, encoder, generator, {}, strengths)
    found = kit.directions(network)
    for name in wanted:
        if name not in found.known:
            raise RequestError(f"{network} knows no direction {name!r}: there are {', '.join(found.known)}")
    known = {name: found.known[name] for name in wanted}
    return LatentEdit(kit, encoder, generator, known, strengths, ((found.name, found.sha256),))
