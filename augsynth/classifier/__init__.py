"""A small convolutional classifier for images of any size: training, predictions, and storage."""

from __future__ import annotations

from augsynth.classifier.inputs import classes_in
from augsynth.classifier.model import Classifier, load_classifier
from augsynth.classifier.network import build_network
from augsynth.classifier.training import train_classifier

__all__ = ["Classifier", "build_network", "classes_in", "load_classifier", "train_classifier"]
