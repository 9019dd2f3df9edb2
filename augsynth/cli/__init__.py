"""The `augsynth` command. Each module has one group of commands, which parse arguments, call the library and print."""

from __future__ import annotations

from augsynth.cli.app import main

__all__ = ["main"]
