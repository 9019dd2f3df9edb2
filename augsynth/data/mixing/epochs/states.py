"""What a saved state of a mix or a sampler must be, before it is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from augsynth.core.arrays import unwrapped
from augsynth.errors import CheckpointError, shown


def saved_number(state: Any, key: str, below: int) -> int:
    """The whole number in [0, below) that a state has under a key; raises `CheckpointError` otherwise."""
    if not isinstance(state, Mapping):
        raise CheckpointError(f"a saved state must be what state_dict() returned, got {shown(state)}")
    if key not in state:
        raise CheckpointError(f"the saved state has no {key!r}; it must be what state_dict() returned")
    number = unwrapped(state[key])
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < below:
        raise CheckpointError(f"{key!r} of the saved state must be an integer in [0, {below}), got {shown(state[key])}")
    return number


def require_same(state: Mapping[str, Any], expected: Mapping[str, Any], what: str, advice: str) -> None:
    """Raise `CheckpointError` with this advice if the state of a mix or a sampler has other values than expected."""
    # As text, because what a damaged state holds may not compare to a truth value.
    differing = [key for key, value in expected.items() if repr(state.get(key)) != repr(value)]
    if differing:
        found = ", ".join(f"{key} {shown(state.get(key))} (here {shown(expected[key])})" for key in differing)
        raise CheckpointError(f"the saved state is of another {what}: it differs in {found}; {advice}")
