"""Command line of the benchmarks whose result is one table."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch


def print_table(description: str | None, results: Path, rounds: int, measure: Callable[[int], str]) -> None:
    """Measure on one thread, print the table, and store it with --write.

    Args:
        description: text of --help.
        results: file of the stored table.
        rounds: default of --rounds.
        measure: returns the table for a number of rounds.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds)
    parser.add_argument("--write", action="store_true", help=f"store the table in {results.name}")
    given = parser.parse_args()
    torch.set_num_threads(1)
    text = measure(given.rounds)
    print(text)
    if given.write:
        results.write_text(text)
