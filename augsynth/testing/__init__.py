"""Tools for the tests of users and plugins: `check_generator`, and hypothesis strategies in `strategies`."""

from __future__ import annotations

from augsynth.testing.conformance import check_generator

__all__ = ["check_generator"]
