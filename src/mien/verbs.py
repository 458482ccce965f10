"""The public surface on one page: every verb is a plain function that is made elsewhere; the command line
only reads, calls and writes."""

from __future__ import annotations

from .doctor import doctor, models
from .io.photo_reader import read
from .io.photo_writer import write
from .measure.benchmark import bench_edits
from .measure.compare import report
from .measure.flicker import report_clips
from .measure.html import write_page
from .measure.swap_benchmark import bench_swap
from .models.kit import shared_kit
from .offline import offline_proof
from .pipeline.animate import animate
from .pipeline.consent import add_consent, consents, revoke_consent
from .pipeline.contact_sheet import grid, style_sheet
from .pipeline.directions import directions
from .pipeline.edit import edit, edit_clip, open
from .pipeline.effect import effect_check, effect_template
from .pipeline.extract import extract
from .pipeline.find import age, align, align_folder, blendshapes, draw, find, identity, regions, write_masks
from .pipeline.frontalise import frontalise
from .pipeline.generate import generate, walk
from .pipeline.live import live
from .pipeline.manifest import merge_reports
from .pipeline.motion import motion_of, write_motion
from .pipeline.motion_strip import motion_strip
from .pipeline.networks import collage, export, import_network, prototypes, remove_network, train
from .pipeline.people import meant, person
from .pipeline.sketch import sketch
from .pipeline.stylize import manners, stylize, stylize_clip
from .pipeline.swap import swap, swap_clip
from .pipeline.verify import matching, verify

__all__ = [
    "add_consent",
    "age",
    "align",
    "align_folder",
    "animate",
    "bench_edits",
    "bench_swap",
    "blendshapes",
    "collage",
    "consents",
    "directions",
    "doctor",
    "draw",
    "edit",
    "edit_clip",
    "effect_check",
    "effect_template",
    "export",
    "extract",
    "find",
    "frontalise",
    "generate",
    "grid",
    "identity",
    "import_network",
    "live",
    "manners",
    "matching",
    "meant",
    "merge_reports",
    "models",
    "motion_of",
    "motion_strip",
    "offline_proof",
    "open",
    "person",
    "prototypes",
    "read",
    "regions",
    "remove_network",
    "report",
    "report_clips",
    "revoke_consent",
    "shared_kit",
    "sketch",
    "style_sheet",
    "stylize",
    "stylize_clip",
    "swap",
    "swap_clip",
    "train",
    "verify",
    "walk",
    "write",
    "write_masks",
    "write_motion",
    "write_page",
]
