"""Exponential moving averages of network weights."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from augsynth.errors import PluginError


class MovingAverage:
    """Averages of some of a generator's networks.

    Parameters are averaged with the decay min(decay, (1 + step) / (10 + step)). Buffers are copied.

    Args:
        networks: all networks, by name.
        decays: decay of each average, in [0, 1), by the name of the network.
    """

    def __init__(self, networks: nn.ModuleDict, decays: Mapping[str, float]) -> None:
        for name, decay in decays.items():
            if name not in networks or not 0.0 <= decay < 1.0:
                built = ", ".join(networks)
                raise PluginError(
                    f"averages() gives {name!r}: {decay}; expected one of {built}, with a decay in [0, 1)"
                )
        self._networks, self._decays = networks, dict(decays)
        self._averages = {name: copy.deepcopy(networks[name]).requires_grad_(False).eval() for name in decays}
        self._parameters = {
            name: (_parameters(average), _parameters(networks[name])) for name, average in self._averages.items()
        }

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Include the weights after a step.

        Args:
            step: number of the step; 0 is the first.
        """
        for name, average in self._averages.items():
            means, parameters = self._parameters[name]
            if means:  # a network may have buffers only
                torch._foreach_lerp_(means, parameters, 1.0 - min(self._decays[name], (1 + step) / (10 + step)))
            for copied, buffer in zip(average.buffers(), self._networks[name].buffers(), strict=True):
                copied.copy_(buffer)

    def load(self, weights: Mapping[str, Tensor]) -> None:
        """Load the averages from the weights of a checkpoint, which was saved inside `swapped_in`.

        Args:
            weights: tensors of all networks, by name.
        """
        for name, average in self._averages.items():
            prefix = f"{name}."
            average.load_state_dict({k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)})

    def install(self) -> None:
        """Replace networks by their averages."""
        for name, average in self._averages.items():
            self._networks[name] = average

    @contextmanager
    def swapped_in(self) -> Iterator[None]:
        """Replace networks by their averages for a block."""
        current = {name: self._networks[name] for name in self._averages}
        self.install()
        try:
            yield
        finally:
            for name, network in current.items():
                self._networks[name] = network


def _parameters(network: nn.Module) -> list[Tensor]:
    return list(network.parameters())
