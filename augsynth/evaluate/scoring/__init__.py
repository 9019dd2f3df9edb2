"""Scores of generated images beside those of real ones: what they are of, their list, and their result."""

from __future__ import annotations

from augsynth.evaluate.scoring.judged import Judged
from augsynth.evaluate.scoring.result import Evaluation, Scored
from augsynth.evaluate.scoring.scores import SCORES, SampleScore
from augsynth.evaluate.scoring.scoring import scores

__all__ = ["SCORES", "Evaluation", "Judged", "SampleScore", "Scored", "scores"]
