"""The precision that is asked for is the one that is used."""

from __future__ import annotations

import pytest
import torch

from augsynth.generators import autocast


@pytest.mark.parametrize(
    ("precision", "units", "expected"),
    [
        ("float32", True, torch.float32),
        ("bfloat16", False, torch.bfloat16),
        ("auto", True, torch.bfloat16),
        ("auto", False, torch.float32),
    ],
)
def test_products_have_the_chosen_type(
    monkeypatch: pytest.MonkeyPatch, precision: str, units: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"amx_bf16": units}, raising=False)
    with autocast(torch.device("cpu"), precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == expected


def test_a_torch_that_cannot_tell_is_taken_to_have_no_units(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    with autocast(torch.device("cpu"), "auto"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
