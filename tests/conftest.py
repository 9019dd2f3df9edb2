"""Shared fixtures: the hypothesis profiles, every ISA, a quick generator, and the real data where it is there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from generators.toy import ClassMean
from hypothesis import HealthCheck, Phase, settings

from augsynth import _native
from augsynth.generators import register_generator, registry

# The quick suite draws the same examples every time; `make test-all` draws new ones, and more of them.
_quiet = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
settings.register_profile("quick", max_examples=60, derandomize=True, deadline=None, suppress_health_check=_quiet)
settings.register_profile(
    "unshrunk", settings.get_profile("quick"), phases=[Phase.explicit, Phase.generate]
)  # for mutants: that a test fails is enough
settings.register_profile("thorough", max_examples=1000, deadline=None, suppress_health_check=_quiet)
settings.load_profile(os.environ.get("AUGSYNTH_HYPOTHESIS", "quick"))


@pytest.fixture(scope="module", params=_native.isas())
def isa(request: pytest.FixtureRequest) -> Iterator[str]:
    """Runs the test once on each ISA that this processor has; the name of the one that is active."""
    before = _native.isa()
    _native.set_isa(request.param)
    assert _native.isa() == request.param
    yield request.param
    _native.set_isa(before)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data named by AUGSYNTH_DATA."""
    folder = os.environ.get("AUGSYNTH_DATA")
    if not folder:
        pytest.skip("AUGSYNTH_DATA is not set: no real data to test with")
    return Path(folder)


@pytest.fixture
def class_mean(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a generator that is fitted in no time, in a registry of its own."""
    monkeypatch.setattr(registry, "_REGISTRY", registry.Registry())
    register_generator("class-mean")(ClassMean)
    return "class-mean"


@pytest.fixture
def one_thread() -> Iterator[None]:
    """One thread for torch: small networks are slower on two threads, and much slower if cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
