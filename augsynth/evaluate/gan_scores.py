"""Scores of generated samples by a classifier: GAN-train and GAN-test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from augsynth.classifier import Classifier, classes_in, train_classifier
from augsynth.errors import ArgumentError
from augsynth.evaluate.metrics import accuracy

if TYPE_CHECKING:
    from augsynth.evaluate.inputs import ImageSet
    from augsynth.generators import Samples


def gan_train(
    samples: Samples | ImageSet,
    test_images: Any,
    test_labels: ArrayLike,
    *,
    num_classes: int | None = None,
    **training: Any,
) -> float:
    """Return the accuracy on real test images of a classifier trained on generated samples alone, in [0, 1].

    It falls if samples are wrong, and also if they are right but too similar. GAN-train in Shmelkov et al., "How good
    is my GAN?", ECCV 2018; the Classification Accuracy Score (CAS) of Ravuri & Vinyals, "Classification accuracy score
    for conditional generative models", NeurIPS 2019. Raises `ArgumentError` for samples without labels.

    Args:
        samples: generated images with labels.
        test_images: real images (n, C, H, W), on the scale of the samples.
        test_labels: (n,) their classes.
        num_classes: number of classes; default the largest label of both plus one.
        training: arguments of `train_classifier` (steps, seed, …).
    """
    labels = _labels_of(samples)
    classes = classes_in(labels, test_labels) if num_classes is None else num_classes
    classifier = train_classifier(samples.images, labels, num_classes=classes, **training)
    return accuracy(classifier.predict(test_images), test_labels)


def gan_test(samples: Samples | ImageSet, classifier: Classifier) -> float:
    """Return the share of samples that a classifier trained on real images puts in their own class, in [0, 1].

    It measures how recognisable samples are, and not how different they are from each other: read it with `gan_train`.
    GAN-test in Shmelkov et al., "How good is my GAN?", ECCV 2018. Raises `ArgumentError` for samples without labels.

    Args:
        samples: generated images with labels.
        classifier: classifier that was trained on real images.
    """
    return accuracy(classifier.predict(samples.images), _labels_of(samples))


def _labels_of(samples: Samples | ImageSet) -> NDArray[Any]:
    if samples.labels is None:
        raise ArgumentError("samples have no labels: a class-conditional generator is needed for this score")
    return np.asarray(samples.labels)
