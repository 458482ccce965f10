"""The edits: which file makes what can be asked for, and `plan`, which turns a request into edits that are
done one after the other."""

from __future__ import annotations

from collections.abc import Callable

from ..models.kit import Kit
from ..types import Edit, Phase
from . import colours, styles
from .age_floor import Adult, age_reader
from .beard import Beard
from .beauty import Beauty
from .effects import drawn_by, with_edits
from .eyeglasses import Glasses
from .gaze import Gaze
from .hair import Hair
from .hairstyle import Hairstyle
from .latent import LatentEdit, make_latent_edit
from .makeup import Makeup
from .mouth import Grin, Mouth
from .reenact import Drawing, Reenact, asked_gesture
from .relight import Relight
from .removal import Removal
from .request import EDITS, WHOLE_FACE, Amounts, Asked, EditRequest
from .whole_face import Prototype, Retouch


def plan(request: EditRequest, kit: Kit) -> tuple[Edit, ...]:
    """The edits that do all of a request, in order of their phases; none where every strength is 0. What is
    removed is removed first, so that the others see the face below."""
    request, pack, share = with_edits(request.checked())
    amounts = request.amounts
    asked: dict[str, dict[str, float | str]] = {}
    for name, option in EDITS.items():
        if name in amounts:
            asked.setdefault(option.made_in, {})[name] = amounts[name]
    whole = _numbers(asked.pop(WHOLE_FACE, {})) | {
        name: value for name, value in request.directions.items() if value
    }
    edits: list[Edit] = []
    if whole and request.network:
        edits.append(make_latent_edit(request.network, whole, kit))
    elif whole:
        edits.append(_make_whole_face_edit(whole, kit, request.method))
    if request.hair and "hairstyle" in asked:
        _, strength = styles.parse(str(asked.pop("hairstyle")["hairstyle"]))
        edits.append(
            Hairstyle(request.hair.hairdos, kit.parser, age_reader(kit), strength, taken=request.hair)
        )
    asked.pop("effect", None)
    edits += [MAKERS[made_in](values, kit) for made_in, values in asked.items()]
    edits += drawn_by(pack, share, kit) if pack else ()
    edits.sort(key=lambda edit: list(Phase).index(edit.phase))
    return tuple(
        Adult(edit, age_reader(kit)) if isinstance(edit, Removal | Beauty | LatentEdit) else edit
        for edit in edits
    )


def _make_whole_face_edit(asked: Amounts, kit: Kit, method: str | None) -> Edit:
    if method == "network":
        return Retouch(kit.retoucher, kit.prototypes, asked, age_reader(kit))
    return Prototype(kit.prototypes, asked, age_reader(kit), means_only=method == "prototypes")


def _make_hair_edit(asked: Asked, kit: Kit) -> Edit:
    text = str(asked.get("hair", ""))
    colour = colours.parse(text, colours.HAIR) if text else None
    natural = text.partition(":")[0].strip().lower() in colours.HAIR
    light, grey = (float(asked.get(name, 0.0)) for name in ("hair_light", "hair_grey"))
    return Hair(kit.parser, colour, light, grey, with_beard=natural)


def _make_hairstyle_edit(asked: Asked, kit: Kit) -> Edit:
    name, strength = styles.parse(str(asked["hairstyle"]))
    box = kit.hairstyles
    return Hairstyle(box.hairdos(name), kit.parser, age_reader(kit), strength, box.networks)


def _make_glasses_edit(asked: Asked, kit: Kit) -> Edit:
    strength = _numbers(asked)["glasses"]
    return (
        Removal(kit.remover, kit.parser, "glasses", -strength)
        if strength < 0
        else Glasses(
            strength=strength, reader=kit.prototypes, parser=kit.parser, networks=kit.landmarker.networks
        )
    )


def _make_beard_edit(asked: Asked, kit: Kit) -> Edit:
    strength = _numbers(asked)["beard"]
    return (
        Removal(kit.remover, kit.parser, "beard", -strength)
        if strength < 0
        else Beard(strength=strength, networks=kit.landmarker.networks)
    )


def _make_beauty_edit(asked: Asked, kit: Kit) -> Edit:
    return Beauty(_numbers(asked)["beauty"], kit.landmarker.networks)


def _make_makeup_edit(asked: Asked, kit: Kit) -> Edit:
    lips, lids = (colours.parse(str(asked[name])) if name in asked else None for name in ("lips", "lids"))
    return Makeup(lips, lids, kit.prototypes.triangles, kit.landmarker.networks)


def _make_relight_edit(asked: Asked, kit: Kit) -> Edit:
    light, toplight, warmth = (_numbers(asked).get(name, 0.0) for name in ("light", "toplight", "warmth"))
    return Relight(light, toplight, warmth, kit.prototypes.triangles, kit.landmarker.networks)


def _make_gaze_edit(asked: Asked, kit: Kit) -> Edit:
    across, up = (_numbers(asked).get(name, 0.0) for name in ("gaze", "gaze_up"))
    return Gaze(across, up, kit.prototypes.triangles, kit.landmarker.networks)


def _make_reenact_edit(asked: Asked, kit: Kit) -> Edit:
    amounts = _numbers(asked)
    yaw, pitch, roll, shut = (amounts.pop(name, 0.0) for name in ("yaw", "pitch", "roll", "blink"))
    modes = len(kit.shapes.model.expression)
    gesture = asked_gesture(modes, (yaw, pitch, roll), amounts, shut)
    return Reenact(gesture, Drawing(kit.shapes, kit.parser, kit.prototypes))


def _make_grin_edit(asked: Asked, kit: Kit) -> Edit:
    learned = (kit.prototypes.name, kit.prototypes.sha256)
    return Grin(_numbers(asked)["grin"], kit.prototypes, (*kit.landmarker.networks, learned))


def _make_mouth_edit(asked: Asked, kit: Kit) -> Edit:
    return Mouth(_numbers(asked)["mouth"], kit.prototypes.triangles, kit.landmarker)


MAKERS: dict[str, Callable[[Asked, Kit], Edit]] = {  # by `EditOption.made_in`; the whole face has several
    "hairstyle": _make_hairstyle_edit,
    "gaze": _make_gaze_edit,
    "reenact": _make_reenact_edit,
    "beauty": _make_beauty_edit,
    "makeup": _make_makeup_edit,
    "grin": _make_grin_edit,
    "mouth": _make_mouth_edit,
    "hair": _make_hair_edit,
    "beard": _make_beard_edit,
    "eyeglasses": _make_glasses_edit,
    "relight": _make_relight_edit,
}


def _numbers(asked: Asked) -> dict[str, float]:
    return {name: float(value) for name, value in asked.items()}
