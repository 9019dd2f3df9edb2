"""Help for tests, for users and for plugins: `check_generator` here, hypothesis strategies in `strategies`."""

from __future__ import annotations

from augsynth.testing.conformance import check_generator

__all__ = ["check_generator"]
