"""Result of scoring: each score beside that of other real images, with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from augsynth.evaluate.reporting.parts import number
from augsynth.evaluate.reporting.pictures import Picture


class Scored(NamedTuple):
    """A score, and the floor: the same score of as many real images.

    Args:
        title: heading in tables.
        better: "more" or "less".
        value: score of the samples.
        floor: score of other real images in their place.
    """

    title: str
    better: str
    value: float
    floor: float


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Result of `scores`.

    Args:
        name: name of the samples.
        scores: the scores by name.
        features: the features that distances and shares are of, in words.
        sizes: numbers of images by their role.
        warnings: sentences about what makes the scores less certain.
        notes: sentences about what was not computed, and how images were divided.
        settings: settings by name, JSON-ready.
        provenance: versions and machine.
        pictures: samples, real images, and samples beside their nearest training images.
    """

    kind: ClassVar[str] = "evaluation"

    name: str
    scores: Mapping[str, Scored]
    features: str
    sizes: Mapping[str, int]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    settings: Mapping[str, Any]
    provenance: Mapping[str, str]
    pictures: tuple[Picture, ...] = ()

    @property
    def values(self) -> dict[str, float]:
        """Scores of the samples by name."""
        return {name: scored.value for name, scored in self.scores.items()}

    @property
    def headline(self) -> str:
        """The scores in one sentence."""
        said = [f"{s.title} {number(s.value)} (real images: {number(s.floor)})" for s in self.scores.values()]
        return f"{self.name}: {', '.join(said)}."

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready."""
        return {
            "kind": self.kind,
            "data": self.name,
            "headline": self.headline,
            "scores": {name: scored._asdict() for name, scored in self.scores.items()},
            "features": self.features,
            "sizes": dict(self.sizes),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
        }
