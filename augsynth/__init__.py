"""augsynth: fused augmentation and synthetic data for vision models with little training data."""

from __future__ import annotations

__version__ = "0.1.0"
