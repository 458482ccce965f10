"""Published checkpoints -> parts that `export.write` turns into `.onnx`: mapper, generator, encoder and so
on, each with its card."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import MienError, ModelError, RequestError
from ...models.card import Card, Condition
from ..blocks import efficientnet, translators
from ..blocks.encoders import Backbone, Inverter, encoder, styles_of
from ..engine.part import Part
from ..families import pix2pixhd, stargan, style, talking_head
from ..families.stylegan2 import Drawer, Generator
from .detect import Checkpoint, read, recognise
from .key_maps import State

SIDE, IDENTITY = 256, 112  # pixels that pSp's encoders and IR-SE-50 take
STYLE = 512  # numbers of a style, of every published encoder
OLDEST = 100.0  # years that SAM's fourth channel calls 1
FACES = ("ffhq", "celeb", "face", "toon")  # in the name of a task: pictures laid out as FFHQ's
NAMED = 4  # so many tensors that do not fit are named


def adopt(path: Path, name: str, *, own_statistics: bool = False, sample: bool = False) -> list[Part]:
    """The networks of a published checkpoint, as parts called `name`-ROLE: mapper and generator, encoder, or
    embedder.

    mapper: z `[N, Z]`, label `[N, C]` where there are classes -> w `[N, W]`, not truncated (the average is in
    the card). generator: ws `[N, L, W]` -> pixels `[N, 3, S, S]` in [-1, 1], with the stored noise. encoder:
    pixels `[N, C, 256, 256]` -> ws `[N, L, 512]`, average included; SAM's also takes condition `[N, 1]`, the
    wanted age in years. embedder: pixels `[N, 3, 112, 112]` -> vector `[N, 512]` of unit length. C is 3 but
    for encoders of sketches and of segmentations.

    translator (CycleGAN, pix2pix): pixels `[N, C, H, W]` -> picture `[N, 3, H, W]`, both in [-1, 1].
    own_statistics: where it has batch norms, each picture's own statistics in place of those gathered in
    training, as pix2pix's test script has it by default. sample: it also takes condition `[N, 1]`, the number
    of a draw of the noise that the same script leaves on; 0 for none.

    translator (pix2pixHD, StarGAN, styles): the same, in the card's range; StarGAN takes condition `[N, K]`,
    what it is to become, AdaIN style `[N, 3, h, w]`. AdaIN's two files are found beside each other.

    Raises `InputError` where there is no such file; `RequestError` where it has not what is asked for;
    `ModelError` where it is none that is known, or its tensors do not fit.
    """
    checkpoint = read(path)
    original = Original(path, name, checkpoint)
    known = checkpoint.config.get("translator", {})
    if own_statistics and known.get("norm") != "batch":
        raise RequestError(
            f"{path} has no batch norms, whose statistics could be each picture's own: leave out --own-statistics"
        )
    if sample and not known.get("dropout"):
        raise RequestError(f"{path} has no dropout that could stay on: leave out --sample")
    if checkpoint.kind in ("cyclegan", "pix2pix"):
        return [_translator(original, own_statistics=own_statistics, sample=sample)]
    if make := {"pix2pixhd": _pix2pixhd, "stargan": _stargan, "faststyle": _fast, "adain": _adain}.get(
        checkpoint.kind
    ):
        return [make(original)]
    if checkpoint.kind == "talking_head":
        return [_animator(original)]
    if checkpoint.kind == "irse50":
        return [_embedder(original)]
    if checkpoint.kind == "efficientnet":
        return [_efficientnet(original)]
    if checkpoint.kind not in ("psp", "e4e", "sam"):
        return _generator(original, _template(checkpoint))
    template = "ffhq" if _of_faces(checkpoint.config["opts"]) else ""
    try:
        parts = _generator(original, template) if "G_ema" in checkpoint.nets else []
    except Lacking as error:  # an encoder is of use without a decoder
        return [
            _encoder(original, template, [], f" The decoder in the file is not complete: it {error.what}.")
        ]
    return [*parts, _encoder(original, template, parts, "")]


class Lacking(ModelError):  # noqa: N818 - what is wrong, not that it is
    """Some tensors are not there, and nothing else is wrong."""

    def __init__(self, message: str, what: str) -> None:
        super().__init__(message)
        self.what = what


@dataclass(frozen=True, eq=False)
class Original:
    """A published file, what it is to be called, and what was read of it."""

    path: Path
    name: str
    read: Checkpoint

    def card(self, role: str, description: str, limits: str, **more: Any) -> Card:
        one = self.read
        source = f"mien models import {ascii(self.path.name)[1:-1][:80]}: a file of the kind {one.kind!r}, sha256 {one.source_sha256}"
        said: dict[str, Any] = {
            "licence": one.licence,
            "commercial": one.commercial,
            "data": one.credit,
            "source": source,
        }
        return Card(f"{self.name}-{role}", role, description=description, limits=limits, **said, **more)

    def filled(self, build: Callable[[], nn.Module], state: State, what: str) -> Any:
        """The network that `build` makes, with `state` in it and not copied; ready to be used, not to be
        trained."""
        try:
            with torch.device("meta"):
                net = build()
        except (RuntimeError, ValueError, TypeError, IndexError, ArithmeticError) as error:
            raise ModelError(
                f"{self.path} describes a {what} that cannot be built: fetch it again"
            ) from error
        wanted, state = net.state_dict(), dict(state)
        for key, one in wanted.items():
            if key.endswith(
                ".num_batches_tracked"
            ):  # files from before torch 0.4.1 have none, and nothing here asks for it
                state.setdefault(key, torch.zeros((), dtype=one.dtype))
        self._compare(wanted, state, what)
        net.load_state_dict({key: one.to(wanted[key].dtype) for key, one in state.items()}, assign=True)
        return net.eval().requires_grad_(False)

    def _compare(self, wanted: State, state: State, what: str) -> None:
        missing, unexpected = (
            [key for key in wanted if key not in state],
            [key for key in state if key not in wanted],
        )
        both = [(key, one, state[key]) for key, one in wanted.items() if key in state]
        shapes = [
            f"{key} {_shape(got)} for {_shape(one)}" for key, one, got in both if got.shape != one.shape
        ]
        bad = [key for key, _, got in both if got.is_floating_point() and not bool(got.isfinite().all())]
        groups = {
            "lacks": missing,
            "has besides": unexpected,
            "has other shapes,": shapes,
            "has numbers that are none in": bad,
        }
        wrong = "; ".join(f"{verb} {_some(keys)}" for verb, keys in groups.items() if keys)
        if wrong:
            message = f"{self.path} does not fit the {what} that it describes: it {wrong}. Fetch it again, or import another file"
            raise Lacking(message, wrong) if not (unexpected or shapes or bad) else ModelError(message)


def _some(keys: list[str]) -> str:
    rest = f" and {len(keys) - NAMED} more" if len(keys) > NAMED else ""
    return ", ".join(ascii(key)[1:-1][:80] for key in keys[:NAMED]) + rest


def _shape(one: Tensor) -> str:
    return "x".join(map(str, one.shape)) or "a number"


# --- What a file says about its pictures


def _template(checkpoint: Checkpoint) -> str:
    """A generator may be of anything; only NVIDIA's files and rosinality's can say that theirs is of FFHQ."""
    config = checkpoint.config
    paths = [(config.get(home) or {}).get("path") for home in ("training_set", "args")]
    return "ffhq" if any(isinstance(one, str) and "ffhq" in one.lower() for one in paths) else ""


def _of_faces(opts: dict[str, Any]) -> bool:
    """e4e and pSp are published for faces, and for cars, cats, churches and horses too."""
    task = opts.get("dataset_type")
    return not isinstance(task, str) or any(one in task.lower() for one in FACES)


# --- StyleGAN2


def _generator(original: Original, template: str) -> list[Part]:
    nets, config = original.read.nets, original.read.config
    average = "G_ema" in nets
    known = config["stylegan2"]
    size, z, w, classes = (known[key] for key in ("size", "z", "w", "classes"))
    if z < 1 or size < 8:
        raise ModelError(
            f"{original.path} is a StyleGAN2 of {size} pixels and {z} numbers of noise: wanted at least 8 and 1"
        )
    knobs = {key: known[key] for key in ("z", "w", "classes", "layers", "base", "widest")}
    G: Generator = original.filled(
        lambda: Generator(size, architecture=known["synthesis"], clamp=known["clamp"] or None, **knobs),
        nets["G_ema" if average else "G"],
        "StyleGAN2",
    )
    pictures = "faces laid out as FFHQ's" if template else "pictures"
    limits = f"Makes {pictures} of {size} px, as varied as those that it was trained on; some may resemble one of them."
    limits += "" if average else " Of the last step, not averaged: the file has no average."
    notes = "".join(
        f" {title}: {config[key]}."
        for key, title in (("w_avg", "Average w"), ("noise", "Noise"))
        if key in config
    )
    mean = tuple(
        float(f"{one:.9g}") for one in G.mapping.w_avg.tolist()
    )  # so many digits give the same 32 bits back
    mapper = original.card("mapper", "Noise to styles, untruncated", limits + notes, w_avg=mean)
    about = {"template": template, "size": size, "value_range": (-1.0, 1.0)}
    drawer = original.card("generator", f"Styles to {pictures}", limits + notes, **about)
    noise = {"z": torch.zeros(1, z)} | ({"label": torch.zeros(1, classes)} if classes else {})
    ws = {"ws": torch.zeros(1, G.num_ws, w)}
    return [
        Part("mapper", G.mapping, noise, ("w",), mapper),
        Part("generator", Drawer(G).eval(), ws, ("pixels",), drawer),
    ]


# --- Encoders


class Ageing(nn.Module):
    """SAM: pixels `[N, 3, S, S]`, condition `[N, 1]` in years -> ws `[N, L, W]`, away from what the other
    encoder sees."""

    def __init__(self, codes: nn.Module, start: nn.Module) -> None:
        super().__init__()
        self.codes, self.start = codes, start

    def forward(self, pixels: Tensor, condition: Tensor) -> Tensor:
        age = (condition / OLDEST)[:, :, None, None].expand(-1, -1, *pixels.shape[2:])
        return self.codes(torch.cat([pixels, age], 1)) + self.start(pixels)


class Fixed(nn.Module):
    """The average alone, whatever the picture: what SAM starts from where it starts from no other encoder."""

    def __init__(self, average: Tensor) -> None:
        super().__init__()
        self.average: Tensor
        self.register_buffer("average", average)  # [L, W]

    def forward(self, pixels: Tensor) -> Tensor:
        return self.average


def _encoder(original: Original, template: str, decoder: list[Part], note: str) -> Part:
    one = original.read
    known, opts, sam = one.config["encoder"], one.config["opts"], one.kind == "sam"
    kind, channels, count = known["encoder_type"], known["channels"], _count(original, decoder)
    if channels < 1 or (sam and channels != 4):
        raise ModelError(
            f"{original.path} has an encoder of {channels} channels: wanted {'4' if sam else 'at least 1'}"
        )
    net = original.filled(lambda: encoder(kind, known["styles"], channels), one.nets["encoder"], "encoder")
    from_average = bool(opts.get("start_from_latent_avg", not sam))
    from_other = sam and not from_average and bool(opts.get("start_from_encoded_w_plus", True))
    average = _average(original, count, wanted=from_average or from_other)
    inputs = {"pixels": torch.zeros(1, channels, SIDE, SIDE)}
    about: dict[str, Any] = {"template": template, "size": SIDE, "value_range": (-1.0, 1.0)}
    said = (
        "A picture to the styles of the generator beside it"
        if decoder
        else "A picture to the styles of a StyleGAN2"
    )
    limits = "Keeps what its generator can show: hats, hands, text and backgrounds are lost." + note
    if sam:
        start: nn.Module = Fixed(average)
        if from_other:

            def make() -> Any:
                return encoder("GradualStyleEncoder", count)

            start = Inverter(
                original.filled(make, one.nets["pretrained_encoder"], "encoder that it starts from"), average
            )
        net, inputs = (
            Ageing(net, start),
            {"pixels": torch.zeros(1, 3, SIDE, SIDE), "condition": torch.zeros(1, 1)},
        )
        about["conditions"] = (Condition("age", "years", 0.0, OLDEST),)
        said = "A face to the styles of that face at a wanted age"
        limits += " The age is that of the result, and 0 is an infant: no age leaves the face as it is."
    else:
        net = Inverter(net, average)
        if channels != 3:
            about["value_range"] = (0.0, 1.0)
            limits += (
                " Takes a sketch in [0, 1]."
                if channels == 1
                else f" Takes maps of {channels} classes, 0 or 1 each."
            )
    return Part("encoder", net.eval(), inputs, ("ws",), original.card("encoder", said, limits, **about))


def _count(original: Original, decoder: list[Part]) -> int:
    """How many styles the encoder is to give; one that gives a single w does not say."""
    one = original.read
    count, kind = one.config["encoder"]["styles"], one.config["encoder"]["encoder_type"]
    if decoder:
        wanted, width = decoder[1].inputs["ws"].shape[1:]
    else:
        size, width = (
            one.config["opts"].get("output_size", one.config["opts"].get("stylegan_size", 1024)),
            STYLE,
        )
        if kind != "BackboneEncoderUsingLastLayerIntoW":
            wanted = count
        elif isinstance(size, int) and 8 <= size <= 4096:
            wanted = styles_of(size)
        else:
            raise ModelError(f"{original.path} does not say for which size its encoder is: fetch it again")
    if width != STYLE or (kind != "BackboneEncoderUsingLastLayerIntoW" and wanted != count):
        raise ModelError(
            f"{original.path} has an encoder to {count} styles of {STYLE} and a decoder from {wanted} of {width}: fetch it again"
        )
    if wanted < 1:
        raise ModelError(f"{original.path} has an encoder without styles: fetch it again")
    return wanted


def _average(original: Original, count: int, *, wanted: bool) -> Tensor:
    """The average w for each style `[L, W]`, or zeros where the encoder does not start from it."""
    one = original.read
    if not wanted:
        return torch.zeros(count, STYLE)
    if "latent" in one.nets:
        mean = one.nets["latent"]["latent_avg"].float()
    elif "G_ema" in one.nets:
        mean = one.nets["G_ema"]["mapping.w_avg"].float()
    else:
        raise ModelError(f"{original.path} starts from an average w that it lacks: fetch it again")
    mean = mean[None] if mean.ndim == 1 else mean
    single = one.config["encoder"]["encoder_type"] == "BackboneEncoderUsingLastLayerIntoW"
    if (
        mean.ndim != 2
        or mean.shape[1] != STYLE
        or mean.shape[0] not in (1, count)
        or not bool(mean.isfinite().all())
    ):
        raise ModelError(f"{original.path} has an average w of {_shape(mean)}: wanted {count}x{STYLE}")
    return (mean[:1] if single else mean).expand(count, -1).contiguous()


# --- IR-SE-50


def _embedder(original: Original) -> Part:
    net = original.filled(Backbone, original.read.nets["irse50"], "IR-SE-50")
    limits = f"Wants a face of {IDENTITY} px laid out as ArcFace's. Tells people apart worse where few like them were trained on."
    card = original.card(
        "embedder",
        "A face to a vector of who it is, of unit length",
        limits,
        size=IDENTITY,
        value_range=(-1.0, 1.0),
    )
    return Part("embedder", net, {"pixels": torch.zeros(1, 3, IDENTITY, IDENTITY)}, ("vector",), card)


def _efficientnet(original: Original) -> Part:
    state = efficientnet.renamed(original.read.nets["efficientnet"])
    net = original.filled(efficientnet.Lite0, state, "EfficientNet-Lite0")
    card = original.card(
        "embedder",
        "A picture to a vector of what it shows",
        "Was taught things and animals: it sees how a face looks, not who it is.",
        size=efficientnet.SIDE,
        template="ffhq",
        value_range=efficientnet.VALUE_RANGE,
    )
    pixels = torch.zeros(1, 3, efficientnet.SIDE, efficientnet.SIDE)
    return Part("embedder", net, {"pixels": pixels}, ("vector",), card)


# --- Talking heads


def _animator(original: Original) -> Part:
    """Styles of one person, which such a file has once it was trained on, are left: nothing says whether it was."""
    state = original.read.nets["G"]
    try:
        cfg = talking_head.adapt(talking_head.Config(), {}, {"G": state})
    except ValueError as error:
        raise ModelError(f"{original.path}: {error}: fetch it again") from error
    net = original.filled(lambda: talking_head.Talker(cfg), state, "generator of talking heads")
    limits = "Draws whom one picture shows, as the faces that it was trained on; what that does not show is made up."
    limits += " It was shown lines of 68 landmarks, and is shown those of the mesh."
    about: dict[str, Any] = {"template": "wide", "size": cfg.size}
    card = original.card(
        "animator", "The person of a picture after drawings of a face's features", limits, **about
    )
    return talking_head.part(net, one=False, size=cfg.size, about=card)


# --- CycleGAN and pix2pix


def _translator(original: Original, *, own_statistics: bool, sample: bool) -> Part:
    known = dict(original.read.config["translator"])
    kind, inputs, outputs = (known.pop(key) for key in ("kind", "inputs", "outputs"))
    if outputs != 3 or inputs < 1:
        raise ModelError(f"{original.path} makes {outputs} channels of {inputs}: wanted 3 of at least 1")
    G = original.filled(
        lambda: translators.generator(kind, inputs, outputs, **known), original.read.nets["G"], "generator"
    )
    multiple, size = G.multiple, max(G.multiple, translators.SIDE if kind == "resnet" else 0)
    limits = "Shows what it was trained for, and makes up the rest."
    if known["norm"] == "batch":
        limits += (
            " Normalises by each picture's own statistics."
            if own_statistics
            else " Normalises by the statistics of its training."
        )
    inputs_of: dict[str, Tensor] = {"pixels": torch.zeros(1, inputs, size, size)}
    about: dict[str, Any] = {"size": size, "value_range": (-1.0, 1.0), "multiple": multiple}
    G = translators.own_statistics(G) if own_statistics else G
    if sample and translators.noisy(G):
        G, inputs_of["condition"], about["conditions"] = (
            translators.Sampling(G),
            torch.zeros(1, 1),
            (translators.NOISE,),
        )
        limits += " The noise of training is kept where a draw is asked for."
    card = original.card("translator", "Pictures to pictures of another manner", limits, **about)
    return Part("translator", G.eval(), inputs_of, ("picture",), card)


# --- pix2pixHD, StarGAN, fast style transfer and AdaIN

CELEBA = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Male", "Young")  # of StarGAN's published file
FEATURED = 39  # channels of pix2pixHD's published file with features, which are the last three


def _generator_of(original: Original) -> dict[str, Any]:
    """What is known of a generator; another network of the same family is of no use alone."""
    config = original.read.config
    if config["net"] != "G":
        other = {"D": "the discriminator", "E": "the encoder"}[config["net"]]
        raise ModelError(
            f"{original.path} is {other} of {original.read.kind}, which is for training: import the generator beside it"
        )
    return dict(config["knobs"])


def _pix2pixhd(original: Original) -> Part:
    knobs = _generator_of(original)
    inputs = knobs.pop("inputs")
    net = original.filled(lambda: pix2pixhd.Generator(inputs, **knobs), original.read.nets["G"], "generator")
    multiple, maps = 2 ** (knobs["downs"] + knobs["enhancers"]), inputs > 4
    limits = (
        "Takes a picture."
        if inputs <= 3
        else "Takes a picture and the borders between objects, 1 on them and -1 elsewhere."
    )
    if maps:
        limits = f"Takes {inputs} maps, of classes and perhaps of borders, 1 within and -1 without."
    if inputs == FEATURED:
        limits += " The last three are features of objects."
    net = pix2pixhd.told(net, inputs - (3 if inputs == FEATURED else 0), maps, inputs > 3)
    about: dict[str, Any] = {
        "size": 1024 if knobs["enhancers"] else 512,
        "value_range": (-1.0, 1.0),
        "multiple": multiple,
    }
    card = original.card("translator", "Maps of classes, or pictures, to pictures", limits, **about)
    side = pix2pixhd.SIDES * multiple
    return Part("translator", net.eval(), {"pixels": torch.zeros(1, inputs, side, side)}, ("picture",), card)


def _stargan(original: Original) -> Part:
    knobs = _generator_of(original)
    domains, size = knobs["domains"], 128
    net = original.filled(lambda: stargan.Generator(**knobs), original.read.nets["G"], "generator")
    names = CELEBA if domains == len(CELEBA) else tuple(f"domain-{k + 1}" for k in range(domains))
    limits = "Wants all conditions told, each 1 or 0, also those that are to stay as they are."
    limits += " Names are those of the published file of five." if names == CELEBA else ""
    conditions = tuple(Condition(one, "", 0.0, 1.0) for one in names)
    about: dict[str, Any] = {
        "size": size,
        "value_range": (-1.0, 1.0),
        "conditions": conditions,
        "multiple": stargan.MULTIPLE,
    }
    card = original.card("translator", "A picture to other domains", limits, **about)
    inputs = {"pixels": torch.zeros(1, 3, size, size), "condition": torch.zeros(1, domains)}
    return Part("translator", net, inputs, ("picture",), card)


STROKES = "Strokes keep their size in pixels, whatever the size of the picture."


def _fast(original: Original) -> Part:
    net = original.filled(
        lambda: style.TransformerNet(**_generator_of(original)),
        original.read.nets["G"],
        "network for one style",
    )
    return style.part(net, "fast", 256, original.card("translator", "", STROKES))


def _adain(original: Original) -> Part:
    """AdaIN comes as two files: VGG-19, which sees, and a decoder, which draws. The other is looked for
    beside the one that is named."""
    nets, eyes = dict(original.read.nets), original.read.config["knobs"]["eyes"]
    wanted, note = {"vgg": "decoder", "decoder": "vgg"}[original.read.config["net"]], ""
    for path in sorted(
        one for one in original.path.parent.iterdir() if one.is_file() and one != original.path
    ):
        other = _beside(path) if path.suffix in (original.path.suffix, ".pth", ".pt") else None
        if other and wanted in other.nets:
            nets[wanted], note = (
                other.nets[wanted],
                f" With {ascii(path.name)[1:-1][:80]}, sha256 {other.source_sha256}.",
            )
            break
    if wanted not in nets:
        name = {"vgg": "vgg_normalised.pth", "decoder": "decoder.pth"}[wanted]
        raise ModelError(
            f"{original.path} is one half of AdaIN: put the other, {name} as published, beside it"
        )
    state = {f"decoder.{key}": one for key, one in nets["decoder"].items()}
    known = style.vgg(1).state_dict()
    state |= {
        f"vgg.{key}": one for key, one in nets["vgg"].items() if key in known
    }  # what is behind relu4_1 is not asked
    net = original.filled(lambda: style.AdaIN(eyes), state, "network for any style")
    return style.part(net, "adain", 256, original.card("translator", "", STROKES + note))


def _beside(path: Path) -> Checkpoint | None:
    try:
        return read(path) if recognise(path) == "adain" else None
    except MienError:
        return None
