"""The command line: a skin over `verbs`. Machine output on stdout with --json, everything human on stderr, an error in one line."""

from . import edit, look, manners, networks
from .app import app, main, say

__all__ = ["app", "edit", "look", "main", "manners", "networks", "say"]
