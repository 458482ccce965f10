"""Reads what a published checkpoint holds without running anything of it: torch's two formats, NVIDIA's and
TensorFlow's pickles.

Tensors and arrays stay in the file, as `Stored`, until `load()` copies one out; objects become plain dicts,
lists and `Record`s. A file that names anything outside `BUILDERS` and `STORAGES`, or that claims more than it
holds, is a `ModelError`.
"""

from __future__ import annotations

import math
import mmap
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...errors import InputError, ModelError
from .pickle_machine import Builder, Fuel, Machine, Name, Record

MAGIC = 0x1950A86A20F9469CFC6C  # how torch's format before 1.6 begins
MOST_ENTRIES = 100_000  # in one archive
MOST_DIMENSIONS = 8
DAMAGE = (
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    OSError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
)

STORAGES = {
    f"{home}.{name}Storage": dtype
    for home in ("torch", "torch.cuda")
    for name, dtype in {
        "Float": torch.float32,
        "Double": torch.float64,
        "Half": torch.float16,
        "BFloat16": torch.bfloat16,
        "Long": torch.int64,
        "Int": torch.int32,
        "Short": torch.int16,
        "Char": torch.int8,
        "Byte": torch.uint8,
        "Bool": torch.bool,
    }.items()
} | {"torch.storage.UntypedStorage": torch.uint8}

NUMPY = {
    "f2": torch.float16,
    "f4": torch.float32,
    "f8": torch.float64,
    "i1": torch.int8,
    "i2": torch.int16,
    "i4": torch.int32,
    "i8": torch.int64,
    "u1": torch.uint8,
    "b1": torch.bool,
}


@dataclass(eq=False)
class Storage:
    """A run of numbers in the file; `data` is None until its place is known."""

    dtype: torch.dtype
    numel: int
    data: memoryview | None = None


@dataclass(eq=False)
class Stored:
    """A tensor that still lies in the file. `load` copies it out, once."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def load(self) -> Tensor:
        data, item = self.storage.data, self.storage.dtype.itemsize
        if data is None:
            raise ModelError("a tensor has no numbers in the file: fetch the checkpoint again")
        if not math.prod(self.shape):
            return torch.empty(self.shape, dtype=self.storage.dtype)
        span = 1 + sum((n - 1) * step for n, step in zip(self.shape, self.stride, strict=True))
        flat = torch.frombuffer(
            bytearray(data[self.offset * item : (self.offset + span) * item]), dtype=self.storage.dtype
        )
        return flat.as_strided(self.shape, self.stride).contiguous()

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.storage.dtype.itemsize


def read_tree(path: Path) -> Any:
    """Everything in a checkpoint: torch's archive, torch's format before 1.6, or a bare pickle.

    Raises `InputError` where there is no such file and `ModelError` where it asks for code, is damaged, or
    lies about its sizes.
    """
    try:
        with path.open("rb") as file:
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): name a checkpoint file") from error
    except ValueError as error:
        raise ModelError(f"{path} is empty: fetch it again") from error
    head = bytes(data[:512]).lstrip()
    if head[:1] == b"<":
        raise ModelError(
            f"{path} is a web page, not a checkpoint: open its address in a browser and save the file itself"
        )
    try:
        if head[:4] == b"PK\x03\x04":
            return _archive(path, data)
        if head[257:262] == b"ustar":
            raise ModelError(f"{path} is a tar file from before torch 0.2: save it again with a newer torch")
        fuel = Fuel(str(path))
        first = Machine(data, fuel, BUILDERS, WORDS, _state).run()
        return _old(data, fuel) if isinstance(first, int) and first == MAGIC else first
    except ModelError:
        raise
    except DAMAGE as error:
        raise ModelError(f"{path} is damaged or no checkpoint ({said(error)}): fetch it again") from error


def said(error: BaseException) -> str:
    """An exception in some words of one line."""
    return f"{type(error).__name__}: {ascii(str(error))[1:-1][:100]}"


def _archive(path: Path, data: memoryview) -> Any:
    """torch's format since 1.6: a zip of `data.pkl` and one uncompressed entry for each storage."""
    with zipfile.ZipFile(path) as file:
        entries = file.infolist()
    by_name = {entry.filename: entry for entry in entries}
    if len(entries) > MOST_ENTRIES or len(by_name) != len(entries):
        raise ModelError(
            f"{path} has {len(entries)} entries, {len(by_name)} of them different: no checkpoint is like that"
        )
    for entry in entries:
        if (
            entry.compress_type != zipfile.ZIP_STORED
            or entry.file_size != entry.compress_size
            or entry.flag_bits & 1
        ):
            raise ModelError(
                f"{path} holds the compressed entry {entry.filename[:80]!r}: torch writes none, and none is unpacked"
            )
    if sum(entry.file_size for entry in entries) > len(data):
        raise ModelError(f"{path} claims more in its entries than the file is long: fetch it again")
    roots = [
        name.removesuffix("data.pkl")
        for name in by_name
        if name.count("/") == 1 and name.endswith("/data.pkl")
    ]
    if len(roots) != 1 or roots[0] + "constants.pkl" in by_name:
        raise ModelError(
            f"{path} is a zip, but no checkpoint (wanted one data.pkl, no program): give the file that torch.save wrote"
        )
    root = roots[0]

    def body(name: str) -> memoryview:
        entry = by_name[name]
        if bytes(data[entry.header_offset : entry.header_offset + 4]) != b"PK\x03\x04":
            raise ModelError(f"{path} is damaged at {name[:80]!r}: fetch it again")
        begin = entry.header_offset + 30 + sum(struct.unpack_from("<HH", data, entry.header_offset + 26))
        if begin + entry.file_size > len(data):
            raise ModelError(f"{path} ends within {name[:80]!r}: fetch it again")
        return data[begin : begin + entry.file_size]

    if root + "byteorder" in by_name and bytes(body(root + "byteorder")) != b"little":
        raise ModelError(f"{path} was written on a big-endian machine: save it again on another")
    storages: dict[str, Storage] = {}

    def persistent(pid: Any) -> Storage:
        dtype, key, numel = _persistent_id(pid, str(path), 5)
        if root + "data/" + key not in by_name:
            raise ModelError(f"{path} lacks the storage {key[:40]!r}: fetch it again")
        held = storages.setdefault(key, Storage(dtype, numel, body(root + "data/" + key)))
        if (held.dtype, held.numel) != (dtype, numel) or numel * dtype.itemsize != by_name[
            root + "data/" + key
        ].file_size:
            raise ModelError(
                f"{path} gives the storage {key[:40]!r} a size that it does not have: fetch it again"
            )
        return held

    return Machine(body(root + "data.pkl"), Fuel(str(path)), BUILDERS, WORDS, _state, persistent).run()


def _old(data: memoryview, fuel: Fuel) -> Any:
    """torch's format before 1.6, also found inside NVIDIA's pickles: five pickles, then each storage's length
    and numbers."""
    where, storages = fuel.where, dict[str, Storage]()

    def persistent(pid: Any) -> Storage:
        dtype, key, numel = _persistent_id(pid, where, 6)
        held = storages.setdefault(key, Storage(dtype, numel))
        if (held.dtype, held.numel) != (dtype, numel):
            raise ModelError(f"{where} gives the storage {key[:40]!r} two sizes: fetch it again")
        return held

    machine = Machine(data, fuel, BUILDERS, WORDS, _state, persistent)
    magic, version, system, tree, keys = (machine.run() for _ in range(5))
    little = isinstance(system, dict) and system.get("little_endian") is True
    if magic != MAGIC or version != 1001 or not little or not isinstance(keys, list):
        raise ModelError(
            f"{where} is not in torch's format, or from a big-endian machine: save it again with a newer torch"
        )
    if len(keys) != len(storages) or not all(isinstance(key, str) and key in storages for key in keys):
        raise ModelError(f"{where} lists other storages than it uses: fetch it again")
    for key in keys:
        held = storages[key]
        (numel,) = struct.unpack("<q", machine.take(8))
        if held.data is not None or numel != held.numel:
            raise ModelError(f"{where} gives the storage {key[:40]!r} two sizes: fetch it again")
        held.data = machine.take(numel * held.dtype.itemsize)
    return tree


def _persistent_id(pid: Any, where: str, length: int) -> tuple[torch.dtype, str, int]:
    """Type, key and number of elements of a storage; any other shape of the id is refused."""
    if (
        isinstance(pid, tuple)
        and len(pid) == length
        and pid[0] == "storage"
        and (length == 5 or pid[5] is None)
    ):
        _, kind, key, _, numel = pid[:5]
        if isinstance(kind, Name) and kind.dotted in STORAGES and isinstance(key, str) and _whole(numel):
            return STORAGES[kind.dotted], key, numel
    raise ModelError(
        f"{where} refers to something outside itself in a way that torch does not: it is refused"
    )


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < 1 << 48


# What stands for each name that a file may ask for. Every one takes plain values and gives plain values.


def _tensor(machine: Machine, args: tuple[Any, ...]) -> Stored:
    storage, offset, shape, stride = args[:4]
    if (
        not isinstance(storage, Storage)
        or not isinstance(shape, tuple)
        or not isinstance(stride, tuple)
        or len(shape) != len(stride)
    ):
        raise machine.refuse("describes a tensor in a way that torch does not")
    if not all(map(_whole, (offset, *shape, *stride))) or len(shape) > MOST_DIMENSIONS:
        raise machine.refuse("describes a tensor of impossible shape")
    span = 1 + sum((n - 1) * step for n, step in zip(shape, stride, strict=True)) if math.prod(shape) else 0
    if max(offset + span, math.prod(shape)) > storage.numel:
        raise machine.refuse(
            f"describes a tensor {list(shape)} that is larger than its storage of {storage.numel}"
        )
    return Stored(storage, offset, shape, stride)


def _parameter(machine: Machine, args: tuple[Any, ...]) -> Stored:
    if not isinstance(args[0], Stored):
        raise machine.refuse("describes a parameter in a way that torch does not")
    return args[0]


def _storage_bytes(machine: Machine, args: tuple[Any, ...]) -> Storage:
    (data,) = args
    outermost = machine.persistent is None
    storage = _old(data, machine.fuel) if isinstance(data, memoryview) and outermost else None
    if not isinstance(storage, Storage):
        raise machine.refuse("describes a storage in a way that torch does not")
    return storage


def _dtype(machine: Machine, args: tuple[Any, ...]) -> Record:
    code = args[0].lstrip("<|=") if isinstance(args[0], str) else None
    if code not in NUMPY:
        raise machine.refuse(f"holds an array of something else than {', '.join(NUMPY)}")
    return Record("numpy.dtype", {"code": code})


def _array(machine: Machine, shape: Any, dtype: Any, fortran: Any, raw: Any) -> Stored:
    if isinstance(raw, str):
        machine.fuel.burn(len(raw) // 64)
        raw = memoryview(raw.encode("latin1"))
    if (
        not isinstance(raw, memoryview)
        or not isinstance(dtype, Record)
        or dtype.kind != "numpy.dtype"
        or not isinstance(shape, tuple)
    ):
        raise machine.refuse("describes an array in a way that NumPy does not")
    kind = NUMPY[dtype["code"]]
    if (
        not all(map(_whole, shape))
        or len(shape) > MOST_DIMENSIONS
        or math.prod(shape) * kind.itemsize != len(raw)
    ):
        raise machine.refuse(f"describes an array that is not as large as its {len(raw)} bytes")
    order = shape if fortran else shape[::-1]
    stride = [math.prod(order[:i]) for i in range(len(order))]
    return Stored(Storage(kind, math.prod(shape), raw), 0, shape, tuple(stride if fortran else stride[::-1]))


def _unfilled(machine: Machine, args: tuple[Any, ...]) -> Stored:
    """An array whose numbers come with its state."""
    return Stored(Storage(torch.float32, 0), 0, (0,), (1,))


def _scalar(machine: Machine, args: tuple[Any, ...]) -> Stored:
    dtype, raw = args
    return _array(machine, (), dtype, False, raw)


def _encode(machine: Machine, args: tuple[Any, ...]) -> memoryview:
    text, how = args
    if not isinstance(text, str) or how != "latin1":
        raise machine.refuse("asks for _codecs.encode of another kind than NumPy's")
    machine.fuel.burn(len(text) // 64)
    return memoryview(text.encode("latin1"))


def _persistent_object(machine: Machine, args: tuple[Any, ...]) -> Record:
    """NVIDIA's networks come with the source text of their class; the state is taken and the text is left
    alone."""
    (meta,) = args
    state = meta.get("state") if isinstance(meta, dict) and meta.get("type") == "class" else None
    if not isinstance(state, dict) or not isinstance(meta.get("class_name"), str):
        raise machine.refuse("holds an object of NVIDIA's that is no network")
    return Record(meta["class_name"], state)


def _copied(machine: Machine, args: tuple[Any, ...]) -> Any:
    """A set's or a shape's items, as they came: a list or a tuple."""
    items = args[0] if args else []
    if len(args) > 1 or type(items) not in (list, tuple):
        raise machine.refuse("makes a set of what is not a list")
    machine.fuel.burn(len(items))
    return items[:]


def _ordered(machine: Machine, args: tuple[Any, ...]) -> dict[Any, Any]:
    pairs = _copied(machine, args)
    return {machine.key(key): value for key, value in pairs}


def _inert(kind: str) -> Builder:
    return lambda machine, args: Record(kind, {"args": args} if args else None)


def _state(machine: Machine, into: Any, state: Any) -> None:
    """What BUILD does: fields of a record, byte order of a dtype, numbers of an array. A state dict's own
    attributes are dropped."""
    if isinstance(into, Stored) and isinstance(state, tuple) and len(state) == 5:
        made = _array(machine, *state[1:])
        into.storage, into.offset, into.shape, into.stride = (
            made.storage,
            made.offset,
            made.shape,
            made.stride,
        )
    elif isinstance(into, Record) and into.kind == "numpy.dtype":
        if (
            not isinstance(state, tuple)
            or len(state) < 5
            or state[1] not in ("<", "|", "=")
            or any(one is not None for one in state[2:5])
        ):
            raise machine.refuse("holds an array of records or of another byte order")
    elif isinstance(into, Record) and type(state) is dict:
        machine.fuel.burn(len(state))
        into.update(state)
    elif type(into) is not dict:
        raise machine.refuse(f"sets the state of a {type(into).__name__}")


BUILDERS: dict[str, Builder] = {
    "collections.OrderedDict": _ordered,
    "builtins.set": _copied,
    "__builtin__.set": _copied,
    "_codecs.encode": _encode,
    "argparse.Namespace": _inert("argparse.Namespace"),
    "dnnlib.util.EasyDict": _inert("dnnlib.EasyDict"),
    "dnnlib.EasyDict": _inert("dnnlib.EasyDict"),
    "dnnlib.tflib.network.Network": _inert("dnnlib.tflib.network.Network"),
    "torch_utils.persistence._reconstruct_persistent_obj": _persistent_object,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": _parameter,
    "torch.storage._load_from_bytes": _storage_bytes,
    "torch.device": _inert("torch.device"),
    "torch.Size": _copied,
    "numpy.dtype": _dtype,
} | {
    f"{home}.{name}": builder
    for home in ("numpy.core", "numpy._core")
    for name, builder in {
        "multiarray._reconstruct": _unfilled,
        "multiarray.scalar": _scalar,
        "numeric._frombuffer": lambda machine, args: _array(
            machine, args[2], args[1], args[3] == "F", args[0]
        ),
    }.items()
}
WORDS = frozenset(STORAGES) | {"numpy.ndarray"}
