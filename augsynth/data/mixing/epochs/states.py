"""Checks of a saved state of a mix or a sampler, before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augsynth.core.checks import check_integer
from augsynth.errors import CheckpointError, shown


def saved_number(state: Any, key: str, limit: int) -> int:
    """Return the whole number in [0, limit) that a state has under a key; raise `CheckpointError` otherwise."""
    if not isinstance(state, Mapping):
        raise CheckpointError(f"a saved state must be what state_dict() returned, got {shown(state)}")
    if key not in state:
        raise CheckpointError(f"the saved state has no {key!r}; it must be what state_dict() returned")
    name, expected = f"{key!r} of the saved state", f"an integer in [0, {limit})"
    return check_integer(name, state[key], 0, limit - 1, expected=expected, error=CheckpointError)


def require_same(state: Mapping[str, Any], expected: Mapping[str, Any], what: str, advice: str) -> None:
    """Raise `CheckpointError` with this advice if a state of a mix or a sampler has other values than expected."""
    # As text, because the values of a damaged state may not compare to a truth value.
    differing = [key for key, value in expected.items() if repr(state.get(key)) != repr(value)]
    if differing:
        found = ", ".join(f"{key} {shown(state.get(key))} (here {shown(expected[key])})" for key in differing)
        raise CheckpointError(f"the saved state is of another {what}: it differs in {found}; {advice}")
