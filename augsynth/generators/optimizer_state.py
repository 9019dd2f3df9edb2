"""The state of optimisers as tensors and JSON, so that it can be stored without pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer

from augsynth.errors import CheckpointError

_PREFIX = "optimizer"


def pack_optimizers(optimizers: Mapping[str, Optimizer]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Split the states of optimisers into what is JSON and tensors (`optimizer.NAME.PARAMETER.KEY`)."""
    as_json: dict[str, Any] = {}
    tensors: dict[str, Tensor] = {}
    for name, optimizer in optimizers.items():
        state = optimizer.state_dict()
        values: dict[str, dict[str, Any]] = {}
        for parameter, entries in state["state"].items():
            for key, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"{_PREFIX}.{name}.{parameter}.{key}"] = value
                else:
                    values.setdefault(str(parameter), {})[key] = value
        as_json[name] = {"groups": state["param_groups"], "values": values}
    return as_json, tensors


def unpack_optimizers(
    optimizers: Mapping[str, Optimizer], as_json: Mapping[str, Any], tensors: Mapping[str, Tensor]
) -> None:
    """Put packed states back into optimisers of the same names and parameters."""
    if set(as_json) != set(optimizers):
        raise CheckpointError(f"the checkpoint has optimisers {sorted(as_json)}, the generator {sorted(optimizers)}")
    for name, optimizer in optimizers.items():
        state: dict[int, dict[str, Any]] = {}
        for parameter, values in as_json[name]["values"].items():
            state.setdefault(int(parameter), {}).update(values)
        for path, value in tensors.items():
            kind, owner, parameter, key = (*path.split(".", 3), "", "", "")[:4]
            if (kind, owner) == (_PREFIX, name):
                state.setdefault(int(parameter), {})[key] = value
        optimizer.load_state_dict({"state": state, "param_groups": as_json[name]["groups"]})
