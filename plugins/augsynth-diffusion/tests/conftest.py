"""Fitted models that the tests here share: fitting takes most of their time."""

from __future__ import annotations

import pytest
from augsynth_diffusion import DDPM, EDM, Diffusion, Flow
from torch.utils.data import TensorDataset

MODELS: dict[str, type[Diffusion]] = {"ddpm": DDPM, "edm": EDM, "flow": Flow}


class FittedModels(dict[str, Diffusion]):
    """Models by name that have learned the bars, each fitted when it is asked for."""

    def __init__(self, bars: TensorDataset) -> None:
        super().__init__()
        self.bars = bars

    def __missing__(self, name: str) -> Diffusion:
        self[name] = MODELS[name].configure(width=16, decay=0.99, sampling_steps=10)
        self[name].fit(self.bars, steps=200, batch_size=24, device="cpu", progress=False)
        return self[name]


@pytest.fixture(scope="session")
def fitted_models(bars: TensorDataset) -> FittedModels:
    """Models of all kinds that have learned the bars."""
    return FittedModels(bars)


@pytest.fixture(params=MODELS)
def fitted(request: pytest.FixtureRequest, fitted_models: FittedModels) -> Diffusion:
    """Each of them in turn."""
    return fitted_models[request.param]
