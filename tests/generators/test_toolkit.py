"""The toolkit: schedules, patches, steps of optimisers, rules of options."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn

from augsynth.errors import ArgumentError
from augsynth.generators.toolkit import Patches, WarmupCosine, check_options, descend, option, set_learning_rate


@pytest.mark.parametrize("total", [1, 10, 40, 1000])
def test_a_schedule_rises_within_its_share_and_then_falls_to_its_end(total: int) -> None:
    schedule = WarmupCosine(steps=50, share=0.05, end=0.1)
    factors = [schedule(index, total) for index in range(total)]
    peak = factors.index(max(factors))
    assert all(0 < factor <= 1 for factor in factors)
    assert factors[: peak + 1] == sorted(factors[: peak + 1])
    assert factors[peak:] == sorted(factors[peak:], reverse=True)
    assert peak <= total // 20
    assert schedule(total, total) == pytest.approx(0.1)


def test_the_shorter_rise_counts() -> None:
    assert WarmupCosine(steps=4, share=0.5, end=0.0)(0, 1000) == pytest.approx(1 / 4)
    assert WarmupCosine(steps=400, share=0.1, end=0.0)(0, 30) == pytest.approx(1 / 4)


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (1, 27, 33), (3, 30, 20), (4, 9, 13), (2, 8, 64)])
@pytest.mark.parametrize(("size", "multiple"), [(1, 1), (2, 1), (2, 4), (4, 2)])
def test_folding_loses_nothing(shape: tuple[int, int, int], size: int, multiple: int) -> None:
    patches = Patches(shape, size, multiple)
    images = torch.randn(2, *shape, generator=torch.Generator().manual_seed(0))
    folded = patches.fold(images)
    assert torch.equal(patches.unfold(folded), images)
    assert folded.shape == (2, patches.channels, *patches.sides)
    assert all(side % multiple == 0 for side in patches.sides)
    # The value beyond the image is that of its nearest edge.
    assert torch.equal(folded[:, size**2 - 1, -1, -1], images[:, 0, -1, -1])


@pytest.mark.parametrize(("side", "expected"), [(23, 1), (24, 2), (47, 2), (48, 4), (64, 4)])
def test_the_size_of_patches_leaves_enough_of_them(side: int, expected: int) -> None:
    assert Patches.leaving((3, side, 200), least=12).size == expected


@pytest.mark.parametrize(("max_norm", "expected"), [(None, 3.0), (1.0, 1.0), (10.0, 3.0)])
def test_a_step_follows_the_gradient_no_further_than_its_norm(max_norm: float | None, expected: float) -> None:
    weights = [nn.Parameter(torch.zeros(())), nn.Parameter(torch.zeros(2))]
    optimizer = torch.optim.SGD([{"params": weights[:1]}, {"params": weights[1:]}], lr=1.0)
    for _ in range(2):  # gradients do not add up
        before = torch.cat([weight.detach().flatten() for weight in weights]).clone()
        descend(optimizer, -(weights[0] + 2 * weights[1].sum()), max_norm=max_norm)
        after = torch.cat([weight.detach().flatten() for weight in weights])
        assert (after - before).norm().item() == pytest.approx(expected, rel=1e-4)


def test_a_learning_rate_is_set_everywhere() -> None:
    weights = [nn.Parameter(torch.zeros(1)) for _ in range(3)]
    groups = [{"params": weights[:1]}, {"params": weights[1:2]}]
    optimizers = {"a": torch.optim.SGD(groups, lr=1.0), "b": torch.optim.Adam(weights[2:], lr=1.0)}
    set_learning_rate(optimizers, 0.25)
    assert [group["lr"] for o in optimizers.values() for group in o.param_groups] == [0.25] * 3


@dataclass(frozen=True)
class Config:
    count: int = option(2, at_least=1, at_most=4)
    share: float = option(0.5, above=0, below=1)
    scale: float | None = option(None, above=0)
    offset: float = option(0.0)
    mode: str = option("a", one_of=("a", "b"))
    free: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        check_options(self)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "count must be an integer at least 1 and at most 4, got 0"),
        ({"count": 5}, "count must be an integer at least 1 and at most 4, got 5"),
        ({"count": 2.0}, "count must be an integer at least 1 and at most 4, got 2.0"),
        ({"share": 0.0}, "share must be a finite number above 0 and below 1, got 0.0"),
        ({"share": 1.0}, "share must be a finite number above 0 and below 1, got 1.0"),
        ({"share": math.nan}, "share must be a finite number above 0 and below 1, got nan"),
        ({"share": "x"}, "share must be a finite number above 0 and below 1, got 'x'"),
        ({"scale": 0.0}, "scale must be a finite number above 0, or None, got 0.0"),
        ({"scale": math.inf}, "scale must be a finite number above 0, or None, got inf"),
        ({"offset": -math.inf}, "offset must be a finite number, got -inf"),
        ({"offset": True}, "offset must be a finite number, got True"),
        ({"mode": "c"}, "mode must be one of 'a', 'b', got 'c'"),
    ],
)
def test_an_option_that_breaks_its_rule_is_refused_in_words(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Config(**options)
    assert str(caught.value) == message


def test_options_within_their_rules_are_taken() -> None:
    config = Config(count=4, share=0.999, scale=1, offset=-7, mode="b", free=())
    assert (config.count, config.scale, config.mode) == (4, 1, "b")
    assert Config() == Config(2, 0.5, None, 0.0, "a", (1,))
