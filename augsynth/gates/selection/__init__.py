"""Choice of the best items of a pool, by recipes that are found by their names."""

from __future__ import annotations

from augsynth.gates.selection.features import Features, TimmFeatures
from augsynth.gates.selection.recipes import RECIPES, Recipe, choose
from augsynth.gates.selection.task import RealImages, SelectionTask

__all__ = ["RECIPES", "Features", "RealImages", "Recipe", "SelectionTask", "TimmFeatures", "choose"]
