"""The house: what each package may import, who owns each heavy library, and that nothing goes round in a
circle."""

import ast
import graphlib
import subprocess
import sys
from pathlib import Path

from slow import LIST as SLOW

SOURCE = Path(__file__).parents[1] / "src" / "mien"
GROUND = {"errors", "types", "paths", "signals", "deprecations", "_version", "optional", "words", "arguments"}
MAY_IMPORT: dict[str, set[str]] = {
    **dict.fromkeys(GROUND, GROUND),
    "io": GROUND,
    "face": GROUND,
    "models": GROUND | {"face"},
    "edits": GROUND | {"face", "models"},
    "pipeline": GROUND | {"io", "face", "models", "edits"},
    "measure": GROUND | {"io", "face", "models", "edits", "pipeline"},
    "train": GROUND | {"io", "face", "models", "edits"},
    "doctor": GROUND | {"io", "models"},
    "offline": GROUND | {"io"},
    "verbs": GROUND | {"io", "face", "models", "edits", "pipeline", "measure", "doctor", "offline"},
    "cli": GROUND
    | {
        "verbs",
        "edits.effect_pack",
        "edits.keys",
        "edits.request",
        "edits.styles",
        "pipeline.animate",
        "pipeline.batch",
        "pipeline.cluster",
        "pipeline.consent",
        "pipeline.directions",
        "pipeline.gallery",
        "pipeline.generate",
        "pipeline.hair",
        "pipeline.keep",
        "pipeline.motion",
        "pipeline.people",
        "pipeline.runner",
        "pipeline.sketch",
        "pipeline.stylize",
        "pipeline.swap",
        "pipeline.swap_face",
        "measure",
        "face.geometry",
        "io",
        "offline",
        "web",
    },
    "web": GROUND | {"verbs", "edits.request", "edits.styles", "models.motions", "pipeline", "io"},
}
OWNERS = {
    "torch": ("train",),
    "onnx": ("train",),
    "lightning_fabric": ("train.engine.fit",),
    "onnxruntime": ("models.session",),
    "PIL": ("io.photo_reader", "io.photo_writer", "io.exif", "io.moving_picture", "io.notice"),
    "av": ("io.clip_reader", "io.clip_writer"),
    "c2pa": ("io.content_credentials",),
    "cryptography": ("io.certificate", "io.server_certificate"),
    "click": ("cli",),
    "starlette": ("web",),
    "uvicorn": ("web.server",),
    "pyvirtualcam": ("io.virtual_camera",),
    "sqlite3": ("pipeline.jobs", "web.media"),
    "ray": ("pipeline.cluster",),
    "socket": (),
    "urllib": (),
    "requests": (),
    "httpx": (),
    "pickle": (),
}
MODULES = {  # packages among them, under their own names: what those import runs whenever something in them is
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__"): path
    for path in SOURCE.rglob("*.py")
    if path not in (SOURCE / "__init__.py", SOURCE / "__main__.py")
}


def imports(name: str, *, top: bool = False) -> set[str]:
    """What a module imports: dotted below mien with a leading dot, or outside. top: only where that is done
    at once."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    package, out = MODULES[name].relative_to(SOURCE).parent.parts, set[str]()
    for node in tree.body if top else ast.walk(tree):
        if isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            out.add(node.module or "")
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            dotted = ".".join(filter(None, base))
            whole = {f"{dotted}.{alias.name}".strip(".") for alias in node.names}
            out |= {f".{one}" if one in MODULES else f".{dotted}" for one in whole}
    return out


def test_a_package_imports_what_stands_below_it():
    wrong = []
    for name in MODULES:
        package = name.split(".")[0]
        for other in (one[1:] for one in imports(name) if one.startswith(".") and one != "."):
            allowed = MAY_IMPORT[package] | {package}
            if not any(other == one or other.startswith(f"{one}.") for one in allowed):
                wrong.append(f"{name} imports {other}")
    assert not wrong, wrong


def test_heavy_libraries_have_one_owner():
    wrong = []
    for name in MODULES:
        for module in (one.split(".")[0] for one in imports(name) if not one.startswith(".")):
            if module in OWNERS and not any(
                name == owner or name.startswith(f"{owner}.") for owner in OWNERS[module]
            ):
                wrong.append(f"{name} imports {module}")
    assert not wrong, wrong


def packages(name: str) -> set[str]:
    """Those that a module is in."""
    parts = name.split(".")[:-1]
    return {".".join(parts[: i + 1]) for i in range(len(parts))}


def test_nothing_goes_round_in_a_circle():
    """An import runs the packages of what is imported, too, but for those that the importer itself is in."""
    graph: dict[str, set[str]] = {}
    for name in MODULES:
        wanted = {one[1:] for one in imports(name, top=True) if one[1:] in MODULES}
        graph[name] = wanted | (set[str]().union(*map(packages, wanted)) - packages(f"{name}."))
    graphlib.TopologicalSorter(graph).prepare()


def test_families_do_not_know_each_other():
    known = {
        name: {one for one in imports(name) if one.startswith(".train.families.")}
        for name in MODULES
        if name.startswith("train.families.")
    }
    assert {name: found for name, found in known.items() if found} == {
        "train.families.psp": {".train.families.stylegan2"}
    }, "its decoder"


def test_import_mien_is_light():
    code = "import sys, mien; print(sorted({'torch', 'onnxruntime', 'cv2', 'numpy', 'PIL', 'c2pa'} & set(sys.modules)))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "[]"
    )


def test_editing_needs_no_torch():
    code = "import sys; from mien import edit, read, write, verify; import mien.cli, mien.pipeline.batch; print('torch' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.strip()
        == "False"
    )


def test_the_list_of_slow_tests_names_tests():
    for line in SLOW.read_text().split():
        path, _, name = line.partition("::")
        assert f"def {name}(" in (SLOW.parent / path).read_text(), f"{line} is no test: python tests/slow.py"
