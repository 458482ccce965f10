"""The layers: a file imports only what stands above it, and each heavy library has one owner."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "mien"
ORDER: list[str] = [
    *"errors outputs people types geometry mesh cards signer seal provenance image footage video hub runtime models kit latents".split(),
    *"paper colours skin cosmetics light pose teeth gestures hair frames wear beard bare age_floor edits apply finding tracks clips".split(),
    *"scenes parts manners seams report measure flicker page judges groups bench train installation generating verbs batch".split(),
    *"offline cli".split(),
]
TRAIN: list[str] = [
    *"layers losses part loader updates augment frechet turning data pictures regions staging undone drawings pairs maps domains".split(),
    *"encoders translators families".split(),
    *"opcodes unpickle layouts official adopt runs origin latents logs loop start prototypes export".split(),
]
OWNERS = {
    "torch": ("train/",),
    "onnx": ("train/",),
    "lightning_fabric": ("train/loop.py",),
    "onnxruntime": ("runtime.py",),
    "PIL": ("image.py",),
    "av": ("footage.py", "video.py"),
    "c2pa": ("provenance.py",),
    "click": ("cli/",),
    "socket": (),
    "urllib": (),
    "requests": (),
    "pickle": (),
}
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))


def imports(name: str) -> list[tuple[str, bool]]:
    """Modules that a file imports, as dotted paths below mien ("train.data") or outside; and whether it is inside."""
    package = Path(name).parent.parts
    out = []
    for node in ast.walk(ast.parse((SOURCE / name).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            out += [(alias.name, False) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if not node.level:
                out.append((node.module or "", False))
                continue
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            base = [part for part in base if part]
            out += [(".".join([*base, alias.name] if not node.module else base), True) for alias in node.names]
    return out


@pytest.mark.parametrize("name", [file for file in FILES if Path(file).name not in ("__init__.py", "__main__.py")])
def test_imports_only_from_above(name: str):
    parts = Path(name).with_suffix("").parts
    for module, inside in imports(name):
        if not inside or module in ("__version__", ""):
            continue
        other = module.split(".")
        if parts[0] == "train" and other[0] == "train" and len(other) > 1:
            assert TRAIN.index(other[1]) <= TRAIN.index(parts[1]), f"{name} imports {module}"
            frozen = parts[-1] == "psp" and other[-1] == "stylegan2"  # its decoder
            assert not (parts[1] == other[1] == "families") or frozen, f"{name} imports another family"
        elif other[0] != parts[0]:
            assert ORDER.index(other[0]) < ORDER.index(parts[0]), f"{name} imports {module}"


@pytest.mark.parametrize("name", FILES)
def test_heavy_libraries_have_one_owner(name: str):
    for module, inside in imports(name):
        top = module.split(".")[0]
        if not inside and top in OWNERS:
            assert any(name.startswith(owner) for owner in OWNERS[top]), f"{name} imports {module}"


def test_import_mien_is_light():
    code = "import sys, mien; print(sorted({'torch', 'onnxruntime', 'cv2', 'numpy', 'PIL', 'c2pa'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_editing_needs_no_torch():
    code = "import sys; from mien import edit, read, write, verify; import mien.cli, mien.batch; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"
