"""For all tests here: reproducible hypothesis examples without deadlines, and one thread, enough for tiny networks."""

from __future__ import annotations

import torch
from hypothesis import settings

settings.register_profile("augsynth-gan", deadline=None, derandomize=True, max_examples=25)
settings.load_profile("augsynth-gan")
torch.set_num_threads(1)
