"""uint8 pictures within one grey level of the float64 reference, by pipelines of all that changes values smoothly.

Where a lookup table follows sampling, one level more or less can look up any other: `transforms/test_executors.py`
bounds that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import assume, given
from hypothesis import strategies as st

from augsynth import transforms as T
from augsynth.engine import CpuExecutor, run
from augsynth.engine.reference import ReferenceExecutor
from augsynth.errors import ArgumentError
from augsynth.plan import Pass
from augsynth.testing import strategies as aug

FACTORS = st.tuples(st.floats(0, 1), st.floats(1, 2))
COLOURS = st.builds(T.ColorJitter, FACTORS, FACTORS, FACTORS, st.floats(0, 0.5)) | st.just(T.RandomGrayscale(0.5))
NOISES = st.builds(T.GaussianNoise, sigma=st.floats(0, 0.2)) | st.builds(T.SaltAndPepperNoise, st.floats(0, 0.3))
PARTS = st.one_of(
    aug.geometry(), aug.geometry(), COLOURS, NOISES, aug.erasures(), aug.missing_values(), st.just(T.GaussianBlur(3))
)


def natural(seed: int, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Slopes, edges and a little grain, as photographs have them."""
    random = np.random.default_rng(seed)
    y, x = np.arange(height)[:, None, None], np.arange(width)[:, None]
    slopes = 60 * np.sin(x / random.uniform(3, 9, 3) + y / random.uniform(3, 9, 3))
    edges = 60 * random.integers(0, 2, (height // 7 + 1, width // 7 + 1, 3)).repeat(7, axis=0).repeat(7, axis=1)
    values = 100 + slopes + edges[:height, :width] + random.normal(0, 4, (height, width, 3))
    return np.clip(values, 0, 255).astype(np.uint8)


@given(parts=st.lists(PARTS, min_size=1, max_size=5), seed=st.integers(0, 2**32 - 1), key=aug.keys())
def test_every_pass_is_within_one_level(isa: str, parts: list[Any], seed: int, key: tuple[int, int, int]) -> None:
    assume(sum(isinstance(part, T.ColorJitter) for part in parts) <= 2)
    image: npt.NDArray[Any] = natural(seed, 33, 41)
    try:
        plan = T.Compose(parts).plan([image.shape], [key])
    except ArgumentError:  # a crop larger than what is left
        assume(False)
        raise
    assume(all(one.rows["output_size"].max() <= 200 for one in plan.passes))
    run(plan, [image], NativeBesideReference(), None)


class NativeBesideReference(ReferenceExecutor):
    """The reference, which demands of each pass that the native one is within a level of it."""

    def run_pass(self, one: Pass, sources: Any, outputs: Any) -> Any:
        native, exact = self.allocate(one.rows), self.allocate(one.rows)
        CpuExecutor().run_pass(one, sources, native)
        made = super().run_pass(one, sources, exact)
        assert np.abs(native[0].astype(int) - exact[0].astype(int)).max() <= 1
        return made
