"""The command line: a skin over `verbs`. Machine output on stdout with --json, everything human on stderr, an
error in one line."""

from .app import COMMANDS, app, main, say

__all__ = ["COMMANDS", "app", "main", "say"]
