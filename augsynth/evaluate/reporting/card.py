"""The card of a result: a summary in the manner of model cards, for people and programs that read no report.

The parts follow Mitchell et al., "Model cards for model reporting", FAT* 2019: what was asked, of which data, with
which result, under which cautions, and how to get it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_QUESTIONS = {
    "sweep": "Do synthetic images help a classifier, beyond the best cheap alternative?",
    "experiment": "Do synthetic images help a classifier that has few real ones?",
    "evaluation": "How good are generated images, beside other real ones?",
    "audit": "Is there anything in the data that should not be trained or tested on?",
}
_NUMBERS = ("verdict", "scores", "arms", "findings")
_LIMITS = (
    "The answer holds for these data, this model, this number of images and this generator.",
    "It says nothing about other classes, other sources of images, or privacy.",
)


def card(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the summary of a result, JSON-ready.

    Args:
        found: the stored result.
    """
    numbers = {name: found[name] for name in _NUMBERS if name in found}
    return {
        "card": "augsynth result",
        "question": _QUESTIONS[found["kind"]],
        "data": found["data"],
        "classes": found.get("class names", []),
        "answer": found["headline"],
        "warnings": found.get("warnings", []),
        "numbers": numbers,
        "gates": found.get("gates"),
        "settings": found.get("settings", {}),
        "limits": list(_LIMITS),
        "provenance": found.get("provenance", {}),
        "reproduce": found.get("reproduce", ""),
        "other settings": [card({**part, "kind": found["kind"]}) for part in found.get("other settings", ())],
    }
