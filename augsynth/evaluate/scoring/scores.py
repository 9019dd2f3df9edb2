"""All scores of generated images by name: a new one is one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np

from augsynth.evaluate.feature_scores import FEATURE_SCORES
from augsynth.evaluate.gan_scores import gan_test, gan_train
from augsynth.evaluate.likelihood import feature_likelihood_divergence
from augsynth.evaluate.metrics import Metric
from augsynth.evaluate.scoring.judged import Judged


class SampleScore(NamedTuple):
    """A score of generated images.

    Args:
        title: heading in tables.
        better: "more" or "less".
        compute: function of what is judged that returns the score.
        needs_classes: True if samples and real images must have classes.
    """

    title: str
    better: Literal["more", "less"]
    compute: Callable[[Judged], float]
    needs_classes: bool = False


def _cas(judged: Judged) -> float:
    return gan_train(
        judged.lessons,
        judged.test.images,
        np.asarray(judged.test.labels),
        num_classes=judged.num_classes,
        steps=judged.steps,
        seed=judged.seed,
        threads=1,
    )


def _gan_test(judged: Judged) -> float:
    assert judged.judge is not None, "a score with needs_classes has a judge"
    return gan_test(judged.samples, judged.judge)


def _fld(judged: Judged) -> float:
    return feature_likelihood_divergence(judged.training_features, judged.reference_features, judged.sample_features)


def _of_features(metric: Metric) -> Callable[[Judged], float]:
    return lambda judged: metric.score(judged.reference_features, judged.sample_features)


_DISTANCES = ("frechet_distance", "kernel_distance")

SCORES: dict[str, SampleScore] = {
    "cas": SampleScore("CAS", "more", _cas, needs_classes=True),
    "gan_test": SampleScore("GAN-test", "more", _gan_test, needs_classes=True),
    **{
        name: SampleScore(metric.title, "less" if name in _DISTANCES else "more", _of_features(metric))
        for name, metric in FEATURE_SCORES.items()
    },
    "fld": SampleScore("FLD", "less", _fld),
}
"""All scores by name, in the order of their rows. Add one of your own as `SCORES["name"] = SampleScore(…)`."""
