"""A report as one HTML page that needs nothing else: no network, no other file; light and dark as the
reader's system is."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

import cv2
import numpy as np

from ..arguments import checked
from ..io import outputs
from ..pipeline.look import in_srgb
from ..types import Array, Photo
from ..words import plain
from . import compare as measure
from . import report

SIDE = 1400  # pixels of the pictures on the page, at most
ZOOM = 384
GAIN = 4  # times which the differences are shown
PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';img-src data:;style-src 'unsafe-inline';script-src 'unsafe-inline'">
<title>$title</title><style>
:root{color-scheme:light dark;--ink:light-dark(#1c1d20,#e8e8ea);--quiet:light-dark(#62656d,#a0a3ab);--page:light-dark(#fbfbfa,#17181b);
--card:light-dark(#fff,#202226);--line:light-dark(#e3e3e0,#34363c);--good:light-dark(#1d7a46,#6cc893);--bad:light-dark(#b3261e,#ff8a80)}
*{box-sizing:border-box}body{margin:0 auto;max-width:1080px;padding:2rem 1.25rem 4rem;background:var(--page);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}h1{font-size:1.35rem;margin:0 0 .25rem;overflow-wrap:anywhere}
h2{font-size:1.05rem;margin:2.25rem 0 .6rem}p{margin:.3rem 0;color:var(--quiet)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.75rem;margin:1.4rem 0}
.tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.7rem .9rem}
.tile b{display:block;font-size:1.45rem;line-height:1.25;font-variant-numeric:tabular-nums}.tile span{color:var(--quiet);font-size:.85rem}
.pair{position:relative;overflow:hidden;border-radius:10px;background:var(--line);line-height:0;
touch-action:pan-y}
.pair img,figure img{width:100%;height:auto;display:block}.pair img+img{position:absolute;inset:0;clip-path:inset(0 0 0 var(--at,50%))}
.pair i{position:absolute;top:0;bottom:0;left:var(--at,50%);width:2px;margin-left:-1px;background:#fff;box-shadow:0 0 4px #0008;
pointer-events:none}
.pair em{position:absolute;top:10px;padding:3px 9px;border-radius:99px;background:#0009;color:#fff;font:600 12px/1.5 system-ui,sans-serif}
.pair em:nth-of-type(1){left:10px}.pair em:nth-of-type(2){right:10px}.pair:has(+input:focus-visible){outline:3px solid #4a90e2}
.slide{width:100%;margin:.6rem 0 0;accent-color:var(--ink)}
.three{display:grid;grid-template-columns:repeat(auto-fit,minmax(220px,1fr));gap:.75rem}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:10px;overflow:hidden}figcaption{padding:.45rem .8rem;
font-size:.85rem;color:var(--quiet)}.zoom img{image-rendering:pixelated}.wide{overflow-x:auto}table{border-collapse:collapse;width:100%}
td,th{text-align:left;padding:.35rem .8rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;font-weight:400;
font-variant-numeric:tabular-nums}th{color:var(--quiet);white-space:nowrap;width:8rem}.bad{color:var(--bad)}.good{color:var(--good)}
</style></head><body>
<h1>$title</h1><p>$facts</p>$limits
<div class="tiles">$tiles</div>
<div class="pair" id="pair"><img src="$before" alt="before"><img src="$after" alt="after"><i></i><em>before</em><em>after</em></div>
<input class="slide" id="slide" type="range" min="0" max="100" value="50" step="0.1" aria-label="how much of the photo before is shown">
<h2>What differs</h2><figure><img src="$map" alt="map of the differences"><figcaption>$legend</figcaption></figure>
$faces<h2>Notes</h2>$notes
<script>
const pair=document.getElementById('pair'),slide=document.getElementById('slide'),set=v=>pair.style.setProperty('--at',v+'%');
slide.addEventListener('input',()=>set(slide.value));
const move=e=>{const r=pair.getBoundingClientRect();slide.value=100*(e.clientX-r.left)/r.width;set(slide.value)};
pair.addEventListener('pointerdown',e=>{pair.setPointerCapture(e.pointerId);move(e)});
pair.addEventListener('pointermove',e=>{if(e.buttons)move(e)});
</script></body></html>
""")


def page(
    told: report.Report,
    before: Photo,
    after: Photo,
    *,
    names: tuple[str, str],
    passed: tuple[str, ...] = (),
    limited: bool = False,
) -> str:
    """The page about two photos; names: what to call them; passed: the limits that were, where there were
    limits (`limited`)."""
    first, second = (in_srgb(photo) for photo in (before, after))
    scale = min(1.0, SIDE / max(told.width, told.height))
    worst = told.worst
    marks = [
        ("outside", "pixels outside differ", "d"),
        ("identity", "identity", ".3f"),
        ("seam", "seam", ".3f"),
    ]
    marks += [
        ("sharpness", "sharpness", ".3f"),
        ("skin", "skin colour, ΔE", ".1f"),
        ("motion", "motion, %", ".1f"),
    ]
    tiles = "".join(
        f'<div class="tile"><b>{_number(worst[name], form)}</b><span>{words}</span></div>'
        for name, words, form in marks
    )
    lines = [report.judge(told.identity_by, told.same_from), *told.notes]
    facts = f"{told.width} x {told.height} pixels, {len(told.faces)} face{'s' * (len(told.faces) != 1)}; {told.changed.count} pixels differ"
    verdict = "".join(f'<p class="bad">Beyond the limit: {escape(one)}.</p>' for one in passed)
    return PAGE.substitute(
        title=escape(plain(f"{names[0]} → {names[1]}")),
        facts=escape(facts),
        limits=verdict or ('<p class="good">All limits are kept.</p>' if limited else ""),
        tiles=tiles,
        before=_uri(_small(first, scale)),
        after=_uri(_small(second, scale)),
        map=_uri(_map(first, second, told, scale)),
        legend=f"The difference, {GAIN} times as strong, over the photo in grey; what lies within the white line is not outside.",
        faces="".join(_face(face, first, second) for face in told.faces),
        notes="".join(f"<p>{escape(line[0].upper() + line[1:])}.</p>" for line in lines),
    )


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(int(value) if form == "d" else value, form)


def _face(face: report.FaceReport, before: Array, after: Array) -> str:
    rows = "".join(f"<tr><th>{name}</th><td>{escape(words)}</td></tr>" for name, words in report.table(face))
    out = f'<h2>Face {face.face}</h2><div class="wide"><table>{rows}</table></div>'
    if face.seam is None or face.seam.at is None:
        return out
    half = max(8, round(0.2 * (face.box[2] - face.box[0])))
    x, y = (round(v) for v in face.seam.at)
    cut = slice(max(y - half, 0), y + half), slice(max(x - half, 0), x + half)
    parts = {
        "before": before[cut],
        "after": after[cut],
        f"difference x {GAIN}": _glow(before[cut], after[cut]),
    }
    shown = ""
    for words, part in parts.items():
        grow = max(1.0, ZOOM / max(part.shape[:2]))
        picture = _uri(cv2.resize(part, None, fx=grow, fy=grow, interpolation=cv2.INTER_NEAREST))
        shown += f'<figure class="zoom"><img src="{picture}" alt="{words}"><figcaption>{words}</figcaption></figure>'
    return (
        out
        + f"<p>Where the border of the change shows most ({face.seam.worst:.2f}):</p><div class='three'>{shown}</div>"
    )


def _glow(before: Array, after: Array) -> Array:
    """Differences as light on black."""
    return np.clip(cv2.absdiff(before, after).astype(np.int32) * GAIN, 0, 255).astype(np.uint8)


def _map(before: Array, after: Array, told: report.Report, scale: float) -> Array:
    """Differences in orange over the grey photo, as strong as they are; the border of what is inside in
    white."""
    grey = (
        cv2.cvtColor(cv2.cvtColor(_small(before, scale), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB).astype(
            np.float32
        )
        * 0.45
        + 20
    )
    strength = cv2.resize(measure.levels_of(before, after), grey.shape[1::-1], interpolation=cv2.INTER_AREA)[
        ..., None
    ]
    heat = np.clip(strength * GAIN / 255, 0, 1) ** 0.7
    out = grey * (1 - heat) + np.array([255, 150, 30], np.float32) * heat
    lines = [np.rint((np.array(line) + 0.5) * scale - 0.5).astype(np.int32) for line in told.inside]
    return cv2.polylines(np.rint(out).astype(np.uint8), lines, True, (235, 235, 235), 1, cv2.LINE_AA)


def _small(pixels: Array, scale: float) -> Array:
    return (
        pixels if scale == 1 else cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    )


def _uri(pixels: Array) -> str:
    """A picture as a data URI: JPEG, of a quality that hides no seam."""
    data = cv2.imencode(".jpg", np.ascontiguousarray(pixels[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, 92])[1]
    return f"data:image/jpeg;base64,{base64.b64encode(data.tobytes()).decode()}"


@checked
def write_page(
    told: report.Report,
    before: Photo,
    after: Photo,
    out: Path,
    *,
    names: tuple[str, str] = ("before", "after"),
    limits: Mapping[str, float] | None = None,
    force: bool = False,
) -> None:
    """Write a report as one HTML page that needs no other file and no network; limits as `report.passed`
    takes them."""
    outputs.check_free(out, force)
    passed = report.passed(told.worst, limits or {})
    text = page(told, before, after, names=names, passed=passed, limited=bool(limits))
    outputs.write(out, text.encode(), force=force)
