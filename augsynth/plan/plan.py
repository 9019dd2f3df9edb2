"""Plans: the work for each sample of a batch, as data.

A plan is drawn once, and all randomness happens there. Then it can be printed, stored, replayed, and run by any
executor. It is a sequence of passes, with barriers between them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from augsynth.core.typing import Floats, Ints
from augsynth.errors import PlanError
from augsynth.plan.inversion import invert
from augsynth.plan.passes import Pass
from augsynth.plan.sequence import PlanStep, check_sequence, movements, passes_of
from augsynth.plan.store import PathOrFile, read_steps, write_steps


@dataclass(frozen=True)
class Plan:
    """The steps to run over a batch of `len(plan)` samples; the output of a step is the source of the next.

    Args:
        steps: passes, and barriers between them; the last step is a `Pass`, which writes the batch.

    >>> from augsynth import transforms as T
    >>> plan = T.RandomHorizontalFlip(p=1.0).plan([(4, 6, 3)], [(0, 0, 0)])
    >>> len(plan), len(plan.passes), plan.passes[0].rows["inverse"][0].tolist()
    (1, 1, [[-1.0, 0.0, 6.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    """

    steps: tuple[PlanStep, ...]

    def __post_init__(self) -> None:
        check_sequence(self.steps)

    @cached_property
    def passes(self) -> tuple[Pass, ...]:
        """The passes, without the barriers between them."""
        return passes_of(self.steps)

    @cached_property
    def movements(self) -> tuple[Pass, ...]:
        """The passes in order, and for each barrier that moves pixels a pass that moves coordinates as it does."""
        return movements(self.steps)

    def __len__(self) -> int:
        return len(self.steps[0])

    def __getitem__(self, samples: slice | Ints) -> Plan:
        """The plan of some of the samples."""
        return Plan(tuple(step[samples] for step in self.steps))

    def repeated(self, count: int) -> Plan:
        """The plan of `count` samples that all get the work of the only one of this plan.

        Args:
            count: the number of samples.

        >>> from augsynth import transforms as T
        >>> len(T.RandomCrop(2).plan([(4, 6)], [(0, 0, 0)]).repeated(3))
        3
        """
        if len(self) != 1:
            raise PlanError(f"a plan of one sample can be repeated, this one has {len(self)}")
        return Plan(tuple(step.repeated(count) for step in self.steps))

    def matrices(self) -> Floats:
        """The maps (n, 3, 3) from output to source coordinates, over all passes and barriers, without displacements.

        >>> from augsynth import transforms as T
        >>> T.CenterCrop(2).plan([(4, 6)], [(0, 0, 0)]).matrices()[0, :2, 2].tolist()
        [2.0, 1.0]
        """
        total: Floats = self.movements[0].rows["inverse"]
        for step in self.movements[1:]:
            total = total @ step.rows["inverse"]
        return total

    def invert(
        self,
        points: Any = None,
        boxes: Any = None,
        masks: Any = None,
        *,
        pixel_center: bool = False,
        mask_fill: float = 0,
    ) -> Any:
        """Map predictions in the outputs' frames back to the sources' frames, as test-time augmentation needs.

        Args:
            points: a sequence with an array (..., 2) for each sample.
            boxes: a sequence with an array (..., 4) for each sample, as XYXY. The results enclose the mapped outlines,
                and are not clipped; a box without area becomes a point where the frame was turned.
            masks: a sequence with an array (..., H, W) of the output's size for each sample. They are sampled at the
                nearest pixel.
            pixel_center: True if points name pixels by their centres; False by default.
            mask_fill: the value of masks where the output does not show the source; 0 by default, and False for
                booleans.

        For a plan of one sample, a single array may take the place of a sequence. Results are in the library and the
        floating-point type of what was given: a list for a list, an array for an array. Several are returned as a
        tuple, in the order of the parameters. Points behind the horizon of a perspective are NaN.

        >>> from augsynth import transforms as T
        >>> import numpy as np
        >>> T.RandomHorizontalFlip(p=1.0).plan([(4, 6)], [(0, 0, 0)]).invert(np.array([[1.0, 2.0]])).tolist()
        [[5.0, 2.0]]
        """
        return invert(self.movements, points, boxes, masks, pixel_center, mask_fill)

    def save(self, path: PathOrFile) -> None:
        """Write the plan as an .npz archive, without pickle.

        A plan with a user's function (`Lambda`) is refused: `PlanError`.

        Args:
            path: a path, or a binary file.
        """
        write_steps(self.steps, path)

    @classmethod
    def load(cls, path: PathOrFile) -> Plan:
        """Read a plan that `save` wrote; `CheckpointError` if it is damaged or of another version.

        Args:
            path: a path, or a binary file.
        """
        return cls(read_steps(path))
