"""Fitted models that the tests here share: fitting takes most of their time."""

from __future__ import annotations

import pytest
from augsynth_diffusion import DDPM, EDM, Diffusion, Flow
from torch.utils.data import TensorDataset

MODELS: dict[str, type[Diffusion]] = {"ddpm": DDPM, "edm": EDM, "flow": Flow}


@pytest.fixture(scope="session")
def fitted_models(bars: TensorDataset) -> dict[str, Diffusion]:
    """Models of all kinds that have learned the bars."""
    models = {name: model.configure(width=16, decay=0.99, sampling_steps=10) for name, model in MODELS.items()}
    for model in models.values():
        model.fit(bars, steps=200, batch_size=24, device="cpu", progress=False)
    return models


@pytest.fixture(params=MODELS)
def fitted(request: pytest.FixtureRequest, fitted_models: dict[str, Diffusion]) -> Diffusion:
    """Each of them in turn."""
    return fitted_models[request.param]
