"""The `augsynth` command. Each module holds one group of commands: it parses, calls the library and prints."""

from __future__ import annotations

from augsynth.cli.app import main

__all__ = ["main"]
