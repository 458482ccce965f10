"""The pickle machine: follows the opcodes of a pickle and never holds, looks up or calls anything of
Python's.

A name that the file asks for stays a word, `Name`, and only what a table of builders has for that word is
made of it: plain values. What the table does not have, opcodes that no checkpoint uses, and more steps than
an honest file takes are a `ModelError`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import ModelError

# opcodes in one file, those of pickles within the pickle counted; honest files have under 200 000
MOST_STEPS = 4_000_000

CONSTANTS: dict[int, Any] = {0x4E: None, 0x88: True, 0x89: False}
NUMBERS = {0x4A: "<i", 0x4B: "<B", 0x4D: "<H", 0x47: ">d"}  # BININT BININT1 BININT2 BINFLOAT
TEXTS = {
    0x58: "<I",
    0x8C: "<B",
    0x8D: "<Q",
    0x54: "<I",
    0x55: "<B",
}  # BINUNICODE and kin, and Python 2's strings
BYTES = {0x42: "<I", 0x43: "<B", 0x8E: "<Q", 0x96: "<Q"}
INTEGERS = {0x8A: "<B", 0x8B: "<I"}  # LONG1 LONG4
PUTS, GETS = {0x71: "<B", 0x72: "<I"}, {0x68: "<B", 0x6A: "<I"}
SKIPPED = {0x80: 1, 0x95: 8}  # PROTO FRAME: what follows them says nothing that matters
STOP = 0x2E
LONGEST_NAME, LONGEST_KEY = 256, 1024


@dataclass(frozen=True)
class Name:
    """A `module.name` that the file asked for and that is allowed. It is a word, not the thing."""

    dotted: str


class Record(dict[str, Any]):
    """What is left of an object: the name of its class and its fields."""

    def __init__(self, kind: str, fields: Mapping[str, Any] | None = None) -> None:
        super().__init__(fields or {})
        self.kind = kind


class Fuel:
    """How many more steps will be taken; shared by a pickle and those within it."""

    def __init__(self, where: str) -> None:
        self.left, self.where = MOST_STEPS, where

    def burn(self, steps: int) -> None:
        self.left -= steps
        if self.left < 0:
            raise ModelError(
                f"{self.where} takes more than {MOST_STEPS} steps to read: no published checkpoint does, so it is refused"
            )


Builder = Callable[["Machine", tuple[Any, ...]], Any]


class Machine:
    """Reads one pickle after another from `data`.

    builders: what is made of a name and its arguments. names: further names that may stand as words. build:
    sets the state of what was made. persistent: what a persistent id refers to; without it there may be none.
    """

    def __init__(
        self,
        data: memoryview,
        fuel: Fuel,
        builders: Mapping[str, Builder],
        names: frozenset[str],
        build: Callable[[Machine, Any, Any], None],
        persistent: Callable[[Any], Any] | None = None,
    ) -> None:
        self.data, self.fuel, self.at = data, fuel, 0
        self.builders, self.names, self.build, self.persistent = builders, names, build, persistent
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    @property
    def where(self) -> str:
        return self.fuel.where

    def refuse(self, why: str) -> ModelError:
        return ModelError(f"{self.where} {why}: it is refused, and nothing in it was run")

    def run(self) -> Any:
        """The value of the next pickle."""
        self.stack, self.below, self.memo = [], [], {}
        while (op := self.take(1)[0]) != STOP:
            self.fuel.burn(1)
            if op in CONSTANTS:
                self.stack.append(CONSTANTS[op])
            elif op in NUMBERS:
                self.stack.append(self.number(NUMBERS[op]))
            elif op in TEXTS:
                self.stack.append(self._text(self.take(self.number(TEXTS[op])), old=op in (0x54, 0x55)))
            elif op in BYTES:
                self.stack.append(self.take(self.number(BYTES[op])))
            elif op in INTEGERS:
                self.stack.append(self._integer(self.number(INTEGERS[op])))
            elif op in PUTS:
                self.memo[self.number(PUTS[op])] = self.stack[-1]
            elif op in GETS:
                self.stack.append(self.memo[self.number(GETS[op])])
            elif op in SKIPPED:
                self.take(SKIPPED[op])
            elif op in ACTIONS:
                ACTIONS[op](self)
            else:
                raise self.refuse(f"uses the pickle opcode {op:#04x}, which no checkpoint needs")
        return self.stack.pop()

    def take(self, n: int) -> memoryview:
        """The next `n` bytes."""
        if not 0 <= n <= len(self.data) - self.at:
            raise ModelError(f"{self.where} ends early ({n} more bytes wanted): fetch it again")
        self.at += n
        return self.data[self.at - n : self.at]

    def number(self, code: str) -> Any:
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def key(self, value: Any) -> Any:
        """A dict's key: plain values only, for a tuple of tuples can take for ever to hash."""
        if value is not None and type(value) not in (str, int, float, bool):
            raise self.refuse(f"has a key of the type {type(value).__name__} in a table")
        if isinstance(value, str) and len(value) > LONGEST_KEY:
            raise self.refuse(f"has a key of {len(value)} letters in a table")
        return value

    def _text(self, raw: memoryview, *, old: bool) -> Any:
        try:
            return str(raw, "ascii" if old else "utf-8", "strict" if old else "surrogatepass")
        except UnicodeDecodeError:
            return raw  # Python 2 kept bytes in strings

    def _integer(self, size: int) -> int:
        if size > 64:
            raise self.refuse(f"holds an integer of {size} bytes")
        return int.from_bytes(self.take(size), "little", signed=True)

    def _line(self) -> str:
        head = bytes(self.data[self.at : self.at + LONGEST_NAME])
        end = head.find(b"\n")
        if end < 0:
            raise self.refuse("holds a line that does not end")
        return str(self.take(end + 1)[:end], "ascii", "backslashreplace")

    def _items(self) -> list[Any]:
        """Everything since the last mark."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def _mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def _ask(self, module: Any, name: Any) -> None:
        dotted = (
            f"{module}.{name}"
            if isinstance(module, str) and isinstance(name, str)
            else "something without a name"
        )
        if dotted not in self.builders and dotted not in self.names:
            raise self.refuse(
                f"asks for {ascii(dotted)[1:-1][:120]}, which is not on the list of what a checkpoint may hold"
            )
        self.stack.append(Name(dotted))

    def _global(self) -> None:
        module = self._line()
        self._ask(module, self._line())

    def _stack_global(self) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self._ask(module, name)

    def _inst(self) -> None:
        self._global()
        raise self.refuse(f"makes {self.stack[-1].dotted} in the way of Python 1")

    def _extension(self) -> None:
        raise self.refuse("asks for an entry of the extension registry of copyreg")

    def _reduce(self) -> None:
        args, what = self.stack.pop(), self.stack.pop()
        if not isinstance(what, Name) or what.dotted not in self.builders or not isinstance(args, tuple):
            raise self.refuse(
                f"calls {what.dotted if isinstance(what, Name) else 'a ' + type(what).__name__}, which nothing calls"
            )
        self.stack.append(self.builders[what.dotted](self, args))

    def _persistent(self) -> None:
        if self.persistent is None:
            raise self.refuse("refers to something outside itself")
        self.stack.append(self.persistent(self.stack.pop()))

    def _build(self) -> None:
        state = self.stack.pop()
        self.build(self, self.stack[-1], state)

    def _set_items(self, items: list[Any]) -> None:
        into = self.stack[-1]
        if not isinstance(into, dict) or len(items) % 2:
            raise self.refuse("fills what is not a table")
        for key, value in zip(items[::2], items[1::2], strict=True):
            into[self.key(key)] = value

    def _add(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise self.refuse("fills what is not a list")
        self.stack[-1].extend(items)

    def _gather(self, into: Callable[[list[Any]], Any]) -> None:
        items = self._items()  # first, for it puts back the stack below the mark
        self.stack.append(into(items))

    def _dict(self) -> None:
        items = self._items()
        self.stack.append({})
        self._set_items(items)

    def _tuple(self, n: int) -> None:
        if len(self.stack) < n:
            raise IndexError("the stack is too short")
        items = tuple(self.stack[len(self.stack) - n :])
        del self.stack[len(self.stack) - n :]
        self.stack.append(items)


def _pair(machine: Machine) -> list[Any]:
    value = machine.stack.pop()
    return [machine.stack.pop(), value]


ACTIONS: dict[int, Callable[[Machine], Any]] = {
    0x28: Machine._mark,
    0x29: lambda m: m.stack.append(()),
    0x30: lambda m: m.stack.pop(),
    0x31: Machine._items,
    0x32: lambda m: m.stack.append(m.stack[-1]),
    0x49: lambda m: m.stack.append({"00": False, "01": True}.get(line := m._line(), int(line))),
    0x46: lambda m: m.stack.append(float(m._line())),
    0x4C: lambda m: m.stack.append(int(m._line().rstrip("L"))),
    0x51: Machine._persistent,
    0x52: Machine._reduce,
    0x61: lambda m: m._add([m.stack.pop()]),
    0x62: Machine._build,
    0x63: Machine._global,
    0x64: Machine._dict,
    0x65: lambda m: m._add(m._items()),
    0x67: lambda m: m.stack.append(m.memo[int(m._line())]),
    0x69: Machine._inst,
    0x6C: lambda m: m._gather(list),
    0x70: lambda m: m.memo.__setitem__(int(m._line()), m.stack[-1]),
    0x73: lambda m: m._set_items(_pair(m)),
    0x74: lambda m: m._gather(tuple),
    0x75: lambda m: m._set_items(m._items()),
    0x7D: lambda m: m.stack.append({}),
    0x5D: lambda m: m.stack.append([]),
    0x81: Machine._reduce,
    0x82: Machine._extension,
    0x83: Machine._extension,
    0x84: Machine._extension,
    0x85: lambda m: m._tuple(1),
    0x86: lambda m: m._tuple(2),
    0x87: lambda m: m._tuple(3),
    0x8F: lambda m: m.stack.append([]),
    0x90: lambda m: m._add(m._items()),
    0x93: Machine._stack_global,
    0x94: lambda m: m.memo.__setitem__(len(m.memo), m.stack[-1]),
}
