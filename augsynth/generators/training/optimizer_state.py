"""The state of optimisers as tensors and JSON, so that it can be stored without pickle."""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from augsynth.errors import CheckpointError, shown
from augsynth.generators.checkpoints.layouts import Layout, layout_of, require_layout

_PREFIX = "optimizer"


def pack_optimizers(optimizers: Mapping[str, Optimizer]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Split the states of optimisers into JSON and tensors.

    Args:
        optimizers: optimisers by name.

    Returns:
        JSON-ready values, and tensors by name: `optimizer.NAME.PARAMETER.KEY`.
    """
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
    """Load packed states into optimisers. Raises `CheckpointError` if they do not fit.

    Args:
        optimizers: optimisers of the same names and parameters.
        as_json: JSON-ready values from `pack_optimizers`.
        tensors: tensors from `pack_optimizers`; others are ignored.
    """
    if set(as_json) != set(optimizers):
        raise CheckpointError(f"the checkpoint has optimisers {sorted(as_json)}, the generator {sorted(optimizers)}")
    for name, optimizer in optimizers.items():
        _require_states(
            name, optimizer, {path: t for path, t in tensors.items() if path.startswith(f"{_PREFIX}.{name}.")}
        )
        state: dict[int, dict[str, Any]] = {}
        for parameter, values in as_json[name]["values"].items():
            state.setdefault(int(parameter), {}).update(values)
        for path, value in tensors.items():
            kind, owner, parameter, key = (*path.split(".", 3), "", "", "")[:4]
            if (kind, owner) == (_PREFIX, name):
                state.setdefault(int(parameter), {})[key] = value
        groups = _checked_groups(name, optimizer, as_json[name]["groups"])
        optimizer.load_state_dict({"state": state, "param_groups": groups})


def _checked_groups(name: str, optimizer: Optimizer, stored: Any) -> list[dict[str, Any]]:
    """Return stored groups of parameters. Raises `CheckpointError` unless they have the settings of the optimiser."""
    ours = optimizer.state_dict()["param_groups"]
    if not isinstance(stored, list) or len(stored) != len(ours):
        raise CheckpointError(f"the optimiser {name!r} has {len(ours)} groups of parameters, and the checkpoint others")
    for theirs, group in zip(stored, ours, strict=True):
        if not isinstance(theirs, dict) or not theirs.keys() >= group.keys():
            raise CheckpointError(f"a group of the optimiser {name!r} lacks settings in the checkpoint")
    pairs = zip(stored, ours, strict=True)
    return [{key: _like(group[key], theirs[key], key) for key in group} for theirs, group in pairs]


def _like(ours: Any, theirs: Any, key: str) -> Any:
    """Return a stored setting if it is of the kind that the optimiser has: a number for a number, all else equal."""
    if type(ours) is float and type(theirs) in (int, float):
        return float(theirs)
    if type(ours) is int and type(theirs) is int:
        return theirs
    if isinstance(ours, (list, tuple)) and isinstance(theirs, list) and len(ours) == len(theirs):
        return type(ours)(_like(mine, other, key) for mine, other in zip(ours, theirs, strict=True))
    if ours != theirs or type(ours) is not type(theirs):
        raise CheckpointError(
            f"the setting {key!r} of an optimiser is {shown(theirs)} in the checkpoint, here {shown(ours)}"
        )
    return theirs


def _require_states(name: str, optimizer: Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Raise `CheckpointError` if a parameter has a part of its state, or a state of another shape."""
    expected = _layout_after_a_step(name, optimizer)
    if expected is not None:
        stored = {path: value for path, value in tensors.items() if path.startswith(f"{_PREFIX}.{name}.")}
        trained = {path.split(".")[2] for path in stored}
        require_layout({p: form for p, form in expected.items() if p.split(".")[2] in trained}, layout_of(stored))


def _layout_after_a_step(name: str, optimizer: Optimizer) -> Layout | None:
    """Return the layout of an optimiser's state, after a step on the meta device; None if its steps need numbers."""
    twin = copy.copy(optimizer)
    twin.state = defaultdict(dict)
    twin.param_groups = [_without_numbers(group) for group in twin.param_groups]
    try:
        twin.step()
    except Exception:
        return None
    return layout_of(pack_optimizers({name: twin})[1])


def _without_numbers(group: Mapping[str, Any]) -> dict[str, Any]:
    # Fused implementations refuse the meta device. Their state is that of the plain ones.
    plain = {key: False for key in ("fused", "foreach") if key in group}
    return {**group, **plain, "params": [_empty(parameter) for parameter in group["params"]]}


def _empty(parameter: Tensor) -> nn.Parameter:
    twin = nn.Parameter(torch.empty_like(parameter, device="meta"))
    twin.grad = torch.empty_like(twin)
    return twin
