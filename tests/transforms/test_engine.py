"""The one loop over a plan, what executors have in common, and preparing a plan by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from augsynth import _native
from augsynth import transforms as T
from augsynth.engine import AutogradExecutor, CpuExecutor, CudaExecutor, executor_for, run
from augsynth.engine.reference import ReferenceExecutor
from augsynth.errors import ArgumentError, PlanError
from augsynth.plan import Barrier, Pass, Plan, Rows
from augsynth.targets import place_targets

IMAGES = [np.random.default_rng(side).integers(0, 256, (side, side + 1, 3), dtype=np.uint8) for side in (7, 9)]
SHAPES = [image.shape for image in IMAGES]
KEYS = [(1, 2, 3), (1, 2, 4)]
STEPS = T.Compose([T.RandomRotation(20), T.GaussianBlur(3, 1.0), T.RandomRotation(20), T.Resize((5, 6))])


@dataclass(frozen=True)
class Diary(CpuExecutor):
    """A list of all that an executor is asked to do, in order."""

    entries: list[str] = field(default_factory=list)

    def allocate(self, rows: Rows) -> Any:
        self.entries.append("allocate")
        return super().allocate(rows)

    def run_pass(self, one: Pass, sources: Any, outputs: Any) -> Any:
        self.entries.append("pass")
        return super().run_pass(one, sources, outputs)

    def run_whole_image(self, barrier: Barrier, sources: Any) -> Any:
        self.entries.append(barrier.operation)
        return super().run_whole_image(barrier, sources)


def outputs_of(plan: Plan) -> Any:
    return CpuExecutor().allocate(plan.passes[-1].rows)


def test_steps_run_in_order_and_the_last_writes_what_was_given() -> None:
    plan = T.Compose([*STEPS.transforms], fuse=False).plan(SHAPES, KEYS)
    diary, outputs = Diary(), outputs_of(plan)
    made = run(plan, IMAGES, diary, outputs)
    words = [word for step in plan.steps for word in _words(step)]
    assert diary.entries == [*words[:-2], "pass"]
    for view, output in zip(made, outputs, strict=True):
        assert np.shares_memory(view, output)
        np.testing.assert_array_equal(view, output.transpose(1, 2, 0))


def _words(step: Any) -> list[str]:
    return [step.operation] if isinstance(step, Barrier) else ["allocate", "pass"]


def test_outputs_may_be_one_array_between_passes_too() -> None:
    """An executor that allocates a batch gets its sources back as one."""

    class Whole(CpuExecutor):
        def allocate(self, rows: Rows) -> Any:
            return np.stack(super().allocate(rows))

    plan = T.Compose([T.Resize((5, 6)), T.RandomHorizontalFlip(p=1.0)], fuse=False).plan(SHAPES, KEYS)
    whole, single = outputs_of(plan), outputs_of(plan)
    run(plan, IMAGES, Whole(), whole)
    run(plan, IMAGES, CpuExecutor(), single)
    np.testing.assert_array_equal(whole, single)


@pytest.mark.parametrize("executor", [CpuExecutor(), ReferenceExecutor(), CudaExecutor(torch.device("cpu"))])
def test_every_executor_refuses_a_plan_for_other_images(executor: Any) -> None:
    plan = STEPS.plan(SHAPES, KEYS)
    with pytest.raises(PlanError, match="the plan is for 2 images, got 1"):
        run(plan, IMAGES[:1], executor, outputs_of(plan))


@pytest.mark.parametrize("executor", [CpuExecutor, ReferenceExecutor])
def test_too_little_memory_between_passes_is_said_in_words(executor: type[CpuExecutor]) -> None:
    class Poor(executor):  # type: ignore[valid-type, misc]
        def allocate(self, rows: Rows) -> Any:
            raise MemoryError("12 GiB")

    plan = STEPS.plan(SHAPES, KEYS)
    with pytest.raises(PlanError, match="not enough memory for what lies between the plan's passes: 12 GiB"):
        run(plan, IMAGES, Poor(), outputs_of(plan))


def test_the_reference_runs_whole_plans_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    plan = STEPS.plan(SHAPES, KEYS)
    exact, native = outputs_of(plan), outputs_of(plan)
    run(plan, IMAGES, CpuExecutor(), native)
    monkeypatch.setattr(_native, "run", None)
    run(plan, IMAGES, ReferenceExecutor(), exact)
    for mine, other in zip(exact, native, strict=True):
        assert np.abs(mine.astype(int) - other.astype(int)).max() <= 2  # one level of each pass


def test_images_say_which_executor_takes_them() -> None:
    assert executor_for(IMAGES[0]) == CpuExecutor()
    assert executor_for(torch.zeros(4, 6, 3, device="meta")) == CudaExecutor(torch.device("meta"))


def test_gradients_stop_at_a_whole_image_operation() -> None:
    plan = T.GaussianBlur(3, 1.0).plan([(6, 6, 3)], KEYS[:1], dtype="float32")
    with pytest.raises(PlanError, match="gradients do not go through this pipeline: 'gaussian_blur' runs between"):
        run(plan, torch.zeros(1, 3, 6, 6), AutogradExecutor(), None)


# ---- Preparing ------------------------------------------------------------------------------------------------


def test_what_is_prepared_is_what_a_call_does() -> None:
    targets = [{"boxes": [[1.0, 1, 5, 5]], "labels": [3]} for _ in IMAGES]
    plan, readings = STEPS.prepare(SHAPES, KEYS, targets=targets)
    images, moved = STEPS.batch(IMAGES, targets, keys=KEYS)
    assert torch.equal(STEPS.apply(IMAGES, plan), images)
    assert readings is not None
    assert place_targets(readings, plan) == moved


def test_without_targets_there_are_no_readings() -> None:
    assert STEPS.prepare(SHAPES, KEYS).readings is None


def test_without_keys_torchs_generator_decides() -> None:
    torch.manual_seed(7)
    plan = STEPS.prepare(SHAPES).plan
    torch.manual_seed(7)
    assert torch.equal(STEPS.batch(IMAGES), STEPS.apply(IMAGES, plan))


def test_a_refused_target_draws_no_keys() -> None:
    before = torch.get_rng_state()
    with pytest.raises(ArgumentError, match="one target an image: got 1 for 2 images"):
        STEPS.prepare(SHAPES, targets=[{"boxes": []}])
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", [np.int64, np.int32])
def test_shapes_may_be_an_array(kind: type[Any]) -> None:
    plan = STEPS.prepare(np.array(SHAPES, kind), KEYS).plan
    assert torch.equal(STEPS.apply(IMAGES, plan), STEPS.batch(IMAGES, keys=KEYS))
    with pytest.raises(ArgumentError, match=r"shapes\[1\]\[2\] must be"):
        STEPS.prepare(np.array([(4, 4, 3), (4, 4, 0)], kind), KEYS)


def test_every_pipeline_names_its_memory_format() -> None:
    assert T.RandomHorizontalFlip().memory_format == "contiguous_format"
    assert T.Compose([], memory_format=torch.channels_last).memory_format == "channels_last"
