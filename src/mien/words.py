"""Words that are shown to people. File names and labels are other people's."""

from __future__ import annotations


def plain(text: str) -> str:
    """The text with line breaks, terminals' escapes and bytes that are no text spelt out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in text)


def fault(error: Exception) -> str:
    """What an exception says of data that could not be read, as a part of one line."""
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    return " ".join(str(error).split())[:80] or type(error).__name__
