"""History <-> label: what was done to a picture becomes a signed C2PA manifest ("Content Credentials"), and
`verify` reads it back.

Everything happens on this computer: nothing is fetched, no time stamp is asked for. The certificate is the
user's own (`MIEN_SIGN_CERT` and `MIEN_SIGN_KEY`, PEM) or one made at first use, which proves that the file is
unchanged since mien wrote it but not who wrote it. Beside the manifest the file carries two IPTC properties
in its XMP, so that a stripped label is noticed.

    sign(source, target, ...)   encoded file in, labelled file out
    verify(path)                -> Verdict

Bytes that `verify` cannot guard: in files signed by other tools, what C2PA itself leaves unhashed (box
headers, padding inside the signature box, some boxes of a clip). In mien's own files these are compared with
the only form that mien writes, so that any changed byte reads as broken.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from .._version import __version__
from ..errors import InputError, OutputError
from ..paths import setting
from ..types import Origin, Source, Step, Verdict
from . import certificate as signer
from . import declarations, inputs
from . import jumbf as seal
from .declarations import SOURCE_TYPE
from .photo_reader import kind_of

if TYPE_CHECKING:
    import c2pa  # pyright: ignore[reportMissingTypeStubs]

# the action parameter that holds a Step as JSON text; lists of small integers do not survive as C2PA values
STEP = "org.mien.step"
SCHEMA = (
    1  # of a Step as JSON; fields that are added do not raise it, as readers pass over what they do not know
)
BINDING, MARK = "c2pa.soft-binding", "org.mien.face-mark.1"  # how a label tells of the mark in the pixels
MEDIA = {
    **{
        ".jpg": "image/jpeg",
        ".jpeg": "image/jpeg",
        ".png": "image/png",
        ".webp": "image/webp",
        ".tif": "image/tiff",
    },
    **{
        ".gif": "image/gif",
        ".tiff": "image/tiff",
        ".mp4": "video/mp4",
        ".mov": "video/quicktime",
        ".m4v": "video/mp4",
    },
}
LABELLED = "JPEG, PNG, WebP, TIFF, AVIF, HEIC, GIF, MP4 or QuickTime"  # what can carry a label
OWN_XMP = b"<Iptc4xmpExt:AISystemUsed>mien<"
# of the box of a film that a label lies in
FILM_BOX = b"\xd8\xfe\xc3\xd6\x1b\x0e\x48\x3c\x92\x97\x58\x28\x87\x7e\xc4\x81"
TRACES = b"c2pa\x00\x11\x00\x10\x80\x00\x00\xaa\x00\x38\x9b\x71", FILM_BOX, OWN_XMP
LOST = "its own label is damaged and could not be kept"
ELSEWHERE = "its label is kept elsewhere and was not looked at"
UNLABELLED = (
    "image/bmp",
    "video/x-matroska",
    "video/mp2t",
    "video/mpeg",
    "video/x-ms-wmv",
)  # kinds of file that can carry no label, so that there is none to keep

# c2pa-rs words that a person should not have to read
FAILURES = {
    "assertion.dataHash.mismatch": "the picture or its metadata was changed after it was labelled",
    "assertion.bmffHash.mismatch": "the picture or its metadata was changed after it was labelled",
    "assertion.hashedURI.mismatch": "the label was changed after it was signed",
    "claimSignature.mismatch": "the signature does not fit the label",
    "claimSignature.missing": "the signature is missing",
    "signingCredential.expired": "the signer's certificate has expired",
}


# ---- signing


def sign(
    source: BinaryIO,
    target: BinaryIO,
    media_type: str,
    history: tuple[Step, ...],
    origin: Origin,
    bits: str = "",
) -> None:
    """Copy the encoded file `source` to `target` with a label that tells `history`.

    `media_type` is that of the source ("image/jpeg"); bits: of the mark in its pixels, where there is one. The file at
    `origin.path` is named as the parent, and its own manifest is kept. A certificate or key that cannot be used is a
    `RequestError`; a label that cannot be made is an `OutputError`.
    """
    import c2pa  # pyright: ignore[reportMissingTypeStubs]

    parent = _parent_of(origin)
    parent_type = origin.format if "/" in origin.format else f"image/{origin.format.lower()}"
    credentials = signer.credentials()
    files: dict[str, tuple[str, Callable[[], BinaryIO]]] = {}
    if parent and parent_type not in UNLABELLED:
        files["parent"] = parent_type, parent.opened
    for number, taken in enumerate(_sources(history)):
        kind, path = MEDIA.get(Path(taken.path).suffix.lower(), ""), Path(taken.path)
        if kind and path.is_file():
            files[f"source{number}"] = kind, partial(path.open, "rb")
    try:
        try:
            _sign(source, target, media_type, history, bits, parent, credentials, files, set())
        except c2pa.C2paError:  # labels that cannot be taken along must not stop this one: it says which
            unkept = {label for label, (kind, opened) in files.items() if not _can_be_kept(kind, opened)}
            if not unkept:
                raise
            source.seek(0)
            target.seek(0)
            target.truncate()
            _sign(source, target, media_type, history, bits, parent, credentials, files, unkept)
    except c2pa.C2paError as error:
        raise OutputError(f"the label could not be made ({error}): {signer.remedy()}") from error


def _can_be_kept(kind: str, opened: Callable[[], BinaryIO]) -> bool:
    """Whether the label of a file, if it has one, can be taken along."""
    import c2pa  # pyright: ignore[reportMissingTypeStubs]

    try:
        with (
            opened() as file,
            c2pa.Context.from_dict(_settings()) as context,
            c2pa.Builder({"claim_generator_info": [{"name": "mien"}]}, context) as builder,
        ):
            builder.add_ingredient({"title": "", "relationship": "componentOf"}, kind, file)
    except c2pa.C2paError:
        return False
    return True


@dataclass(frozen=True)
class Parent:
    """The picture that a labelled one was made from."""

    title: str
    opened: Callable[[], BinaryIO]


def _parent_of(origin: Origin) -> Parent | None:
    """The file that a photo was read from, while it is there."""
    path, data = Path(origin.path or ""), origin.file
    if origin.path and path.is_file():
        return Parent(path.name, lambda: path.open("rb"))
    return Parent("a file from memory", lambda: io.BytesIO(data)) if data else None


def wants_label(history: tuple[Step, ...], origin: Origin) -> bool:
    """Whether what is written must carry a label: something was done, or what it was read from says that mien did."""
    return bool(history) or (OWN_XMP in (origin.xmp or b"") and _parent_of(origin) is not None)


def _sign(
    source: BinaryIO,
    target: BinaryIO,
    media_type: str,
    history: tuple[Step, ...],
    bits: str,
    parent: Parent | None,
    credentials: tuple[str, bytes, bytes],
    files: Mapping[str, tuple[str, Callable[[], BinaryIO]]],
    unkept: set[str],
) -> None:
    """One attempt. files: by ingredient, kind and file whose own label goes in; unkept: those of which it cannot."""
    import c2pa  # pyright: ignore[reportMissingTypeStubs]

    manifest: dict[str, Any] = {
        "claim_generator_info": [{"name": "mien", "version": __version__}],
        "format": media_type,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": _actions(history, parent is not None)}}
        ],
    }
    if bits:
        binding = {"alg": MARK, "blocks": [{"scope": {}, "value": bits}]}
        manifest["assertions"].append({"label": BINDING, "data": binding})
    parts = [(parent.title, "parentOf", "parent")] if parent else []
    parts += [(one.title, "componentOf", f"source{n}") for n, one in enumerate(_sources(history))]
    taken: list[dict[str, Any]] = []
    for title, relation, label in parts:
        about = {"title": titled(title), "relationship": relation, "label": label}
        if label in files and label not in unkept:
            taken.append(about)
        else:
            said = {"description": LOST} if label in unkept else {}
            manifest.setdefault("ingredients", []).append(about | said)
    # the signer takes bytes at run time whatever its stubs say
    hand = c2pa.Signer.from_info(c2pa.C2paSignerInfo(*credentials, None))  # pyright: ignore[reportArgumentType]
    with c2pa.Context.from_dict(_settings(), hand) as context, c2pa.Builder(manifest, context) as builder:
        for about in taken:
            kind, opened = files[about["label"]]
            with opened() as file:
                builder.add_ingredient(about, kind, file)
        builder.sign(media_type, source, target)


def titled(name: str) -> str:
    """A file's name as a label can hold it: bytes of it that are no text become question marks."""
    return name.encode("utf-8", "replace").decode()


def _sources(history: tuple[Step, ...]) -> list[Source]:
    """What else took part in any step, each once."""
    return list(dict.fromkeys(taken for step in history for taken in step.sources))


def _settings() -> dict[str, Any]:
    """Offline, no thumbnails (they would show the face before the edit); `MIEN_TRUST` names a PEM file of
    roots to trust."""
    settings: dict[str, Any] = {
        "version": 1,
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": True},
        "builder": {"thumbnail": {"enabled": False}},
    }
    if roots := setting("MIEN_TRUST"):
        settings["trust"] = {"user_anchors": signer.read_pem(roots, "MIEN_TRUST").decode("ascii", "replace")}
    return settings


def _actions(history: tuple[Step, ...], has_parent: bool) -> list[dict[str, Any]]:
    """C2PA wants the first action to say where the picture comes from: opened from a file, or created."""
    labels = {taken: f"source{number}" for number, taken in enumerate(_sources(history))}
    actions = [_action(step, [labels[taken] for taken in step.sources]) for step in history]
    if has_parent:
        actions.insert(0, {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}})
    elif history[0].source_type == "trainedAlgorithmicMedia":
        actions[0]["action"] = "c2pa.created"
    else:
        unknown = (
            "the picture that was edited came from memory, not from a file: where it is from is not known"
        )
        actions.insert(
            0,
            {
                "action": "c2pa.created",
                "description": unknown,
                "digitalSourceType": SOURCE_TYPE + history[0].source_type,
            },
        )
    return actions


def _action(step: Step, sources: list[str]) -> dict[str, Any]:
    words = " ".join([step.verb, *(f"{name}={value}" for name, value in step.arguments.items())])
    action = {
        "action": "c2pa.edited",
        "description": titled(words),
        "digitalSourceType": SOURCE_TYPE + step.source_type,
        "softwareAgent": {"name": "mien", "version": step.version or __version__},
        "parameters": {STEP: json.dumps(told(step), default=_plain)}
        | ({"ingredientIds": sources} if sources else {}),
    }
    return action | ({"when": step.time} if step.time else {})


def told(step: Step) -> dict[str, Any]:
    """A step as the label has it: what is empty is left out, and where sources lie on this computer is
    nobody's business."""
    fields = asdict(step)
    fields["sources"] = [
        {key: value for key, value in taken.items() if key != "path"} for taken in fields["sources"]
    ]
    return {"schema": SCHEMA} | {
        key: value
        for key, value in fields.items()
        if value or key not in ("notes", "sources", "consent", "words")
    }


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as numbers, anything else that JSON does not know as text."""
    return value.tolist() if hasattr(value, "tolist") else str(value)


# ---- reading a label


def verify(path: str | os.PathLike[str]) -> Verdict:
    """Read the label of a file: "intact", "broken" (the file or the label was changed, or the label was cut
    out) or "unlabelled".

    A file that is missing, or of a kind that cannot carry a label, is an `InputError`.
    """
    import c2pa  # pyright: ignore[reportMissingTypeStubs]

    path = Path(path)
    inputs.check_file(path, "a picture")
    try:
        if path.stat().st_size == 0:
            raise InputError(f"{path} is empty: a picture was wanted")
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
            c2pa.Context.from_dict(_settings()) as context,
        ):
            try:
                with c2pa.Reader(None, file, context=context) as reader:
                    verdict = _verdict(reader, data)
            except c2pa.C2paError as error:
                verdict = _no_manifest(path, data, error)
            return replace(verdict, aigc=declarations.declared(data))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error


def _verdict(reader: c2pa.Reader, data: mmap.mmap) -> Verdict:
    report = json.loads(reader.json())
    manifests = report.get("manifests", {})
    active = manifests.get(report.get("active_manifest"))
    if active is None:
        return Verdict("broken", found_by="manifest", reasons=("the label was removed or damaged",))
    failures = report.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    failures = [f for f in failures if f["code"] != "signingCredential.untrusted"]
    reasons = [FAILURES.get(f["code"]) or str(f.get("explanation", f["code"])) for f in failures]
    if not reasons and active.get("claim_generator_info", [{}])[0].get("name") == "mien":
        reasons = seal.find_tampering(data, json.loads(reader.detailed_json()))
    if not reasons and reader.get_validation_state() not in ("Valid", "Trusted"):
        reasons = ["the label is not valid"]
    parents: list[str] = []
    history = _history(manifests, active, parents)
    types = [
        str(a["digitalSourceType"]).rsplit("/", 1)[-1] for a in _listed(active) if a.get("digitalSourceType")
    ]
    signature = active.get("signature_info", {})
    return Verdict(
        state="broken" if reasons else "intact",
        signer=signature.get("common_name") or signature.get("issuer"),
        trusted=not reasons and reader.get_validation_state() == "Trusted",
        time=signature.get("time")
        or next((str(a["when"]) for a in reversed(_listed(active)) if a.get("when")), None),
        source_type=types[-1] if types else None,
        history=tuple(history),
        ingredients=tuple(parents),
        found_by="manifest",
        reasons=tuple(dict.fromkeys(reasons)),
        bits=_bits(active),
    )


def _bits(manifest: dict[str, Any]) -> str | None:
    """Those of the mark in the pixels that a label tells of."""
    for part in manifest.get("assertions", ()):
        data = part.get("data")
        if part.get("label") == BINDING and isinstance(data, dict) and data.get("alg") == MARK:
            found = re.search(r'"value": "([01]{16})"', json.dumps(data.get("blocks")))
            return found[1] if found else None
    return None


def _listed(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The actions of a manifest, as far as they are any."""
    told = [part.get("data") for part in manifest.get("assertions", ()) if _is_actions(part)]
    lists = [data.get("actions") for data in told if isinstance(data, dict)]
    return [a for actions in lists if isinstance(actions, list) for a in actions if isinstance(a, dict)]


def _is_actions(part: dict[str, Any]) -> bool:
    return str(part.get("label", "")).startswith("c2pa.actions")


def _history(manifests: dict[str, Any], manifest: dict[str, Any], parents: list[str]) -> list[Step]:
    """Steps of a manifest and before them those of its parents, oldest first; what it was made of is appended
    to `parents`."""
    steps: list[Step] = []
    for part in sorted(manifest.get("ingredients", ()), key=lambda p: p.get("relationship") != "parentOf"):
        label = part.get("active_manifest")
        below = manifests.get(label)
        by = f", labelled by {below.get('signature_info', {}).get('common_name', 'someone')}" if below else ""
        found = part.get("validation_results", {}).get("activeManifest", {}).get("failure", ())
        codes = {failure["code"] for failure in found} - {"signingCredential.untrusted"}
        bad = ", its label was already broken" if codes or part.get("description") == LOST else ""
        bad = f", {ELSEWHERE}" if codes == {"manifest.inaccessible"} else bad
        parents.append(f"{part.get('title') or 'a file without a name'}{by}{bad}")
        if below and part.get("relationship") == "parentOf":
            steps += _history({k: v for k, v in manifests.items() if k != label}, below, parents)
    for action in _listed(manifest):
        parameters = action.get("parameters")
        step = _step(parameters.get(STEP)) if isinstance(parameters, dict) else None
        steps += [] if step is None else [step]
    return steps


def _step(text: Any) -> Step | None:
    """A step out of a label. Anybody can write one: what is none is passed over."""
    try:
        fields = json.loads(text)
        known = {
            key: fields[key] for key in Step.__dataclass_fields__ if key in fields
        }  # a newer mien says more
        words = [known.get(key, "") for key in ("verb", "version", "time", "source_type", "consent", "words")]
        known["networks"] = tuple((name, digest) for name, digest in fields["networks"])
        known["sources"] = tuple(Source(**about) for about in fields.get("sources", ()))
        known["notes"] = tuple(fields.get("notes", ()))
        words += [word for network in known["networks"] for word in network]
        words += [word for source in known["sources"] for word in vars(source).values()]
        if not all(isinstance(word, str) for word in (*words, *known["notes"])):
            return None
        return (
            Step(**known) if isinstance(known["arguments"], dict) and _shallow(known["arguments"]) else None
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _shallow(value: Any, levels: int = 8) -> bool:
    """Whether lists and tables lie in each other no deeper than any step of mien's."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_shallow(one, levels - 1) for one in inside)


def _no_manifest(path: Path, data: mmap.mmap, error: c2pa.C2paError) -> Verdict:
    """No manifest can be read: because there never was one, or because it was cut out or damaged?"""
    said = re.search(rb"/digitalsourcetype/(\w{1,64})", data)
    source_type = said[1].decode() if said else None
    found_by = "metadata" if said else None
    if any(data.find(trace) >= 0 for trace in TRACES):
        return Verdict(
            "broken",
            source_type=source_type,
            found_by=found_by,
            reasons=("the label was removed or damaged",),
        )
    if type(error).__name__.endswith("ManifestNotFound"):
        return Verdict("unlabelled", source_type=source_type, found_by=found_by)
    if elsewhere := re.search(r"fetch remote manifests? from url (\S+)", str(error)):
        why = f"its label is not in the file but at {elsewhere[1]}, and mien fetches nothing"
        return Verdict("unlabelled", source_type=source_type, found_by=found_by, reasons=(why,))
    if type(error).__name__.endswith("NotSupported"):
        kind = kind_of(data[:512])
        said = f"is {'a BMP picture' if kind == 'BMP' else kind or 'of an unknown kind'}, which can carry no label"
    else:
        said = f"is damaged ({error})"
    raise InputError(f"{path} {said}: a {LABELLED} file was wanted") from error
