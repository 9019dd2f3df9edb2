"""Reproducible hypothesis examples without deadlines, for all tests here."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("augsynth-vae", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("augsynth-vae")
