"""Each recipe keeps what its rule says, in a world where the right answer is known."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from augsynth.errors import ArgumentError
from augsynth.gates import TimmFeatures
from augsynth.gates.selection import RealImages, SelectionTask, choose, recipes
from augsynth.gates.selection.recipes import _far_apart, _match

pytestmark = pytest.mark.usefixtures("one_thread")


def bars(n: int, seed: int = 0) -> tuple[torch.Tensor, Any]:
    """Noisy images of two classes: a horizontal and a vertical bar."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 100, (n, 1, 8, 8), dtype=np.uint8)
    labels = np.arange(n) % 2
    images[labels == 0, :, 4] = 255
    images[labels == 1, :, :, 4] = 255
    return torch.from_numpy(images), labels


def test_confidence_drops_the_wrong_quarter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "TRAINING_STEPS", 40)
    images, labels = bars(80, seed=1)
    given = labels.copy()
    given[:20] = 1 - given[:20]
    kept = choose(SelectionTask(images, given, RealImages(*bars(60))), "confidence", 0.75)
    assert kept.tolist() == list(range(20, 80))


def _plain_match(points: Any, target: Any, count: int) -> list[int]:
    """The greedy rule, as it reads."""
    chosen: list[int] = []
    for _ in range(count):
        free = [i for i in range(len(points)) if i not in chosen]
        costs = [
            np.linalg.norm(points[[*chosen, i]].T @ points[[*chosen, i]] / (len(chosen) + 1) - target) for i in free
        ]
        chosen.append(free[int(np.argmin(costs))])
    return chosen


@settings(max_examples=15)
@given(st.integers(0, 2**32), st.integers(2, 9), st.integers(1, 4))
def test_covariance_matching_is_the_greedy_rule(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    points, real = rng.normal(size=(n, d)), rng.normal(size=(5, d))
    target, count = real.T @ real / 5, 1 + n // 2
    ours, plain = _match(points, target, count), _plain_match(points, target, count)
    assert ours.tolist() == plain


def test_covariance_matching_leaves_a_foreign_half_out() -> None:
    rng = np.random.default_rng(0)
    values = {"real": rng.normal(0, 1, (60, 3)), "pool": rng.normal(0, 1, (80, 3))}
    values["pool"][:40] += 6
    images = torch.zeros(80, 1, 8, 8, dtype=torch.uint8)
    images[:, 0, 0, 0] = torch.arange(80)
    real = torch.full((60, 1, 8, 8), 255, dtype=torch.uint8)
    real[:, 0, 0, 0] = torch.arange(60)

    def features(part: torch.Tensor) -> Any:
        numbers = part[:, 0, 0, 0].numpy()
        return values["real" if int(part[0, 0, 1, 1]) else "pool"][numbers]

    task = SelectionTask(images, np.zeros(80, np.int64), RealImages(real, np.zeros(60, np.int64)), features)
    kept = choose(task, "covariance", 0.5)
    assert (kept >= 40).sum() >= 36


def test_a_class_without_enough_real_images_is_named() -> None:
    images, labels = bars(10)
    few = RealImages(images[:3], labels[:3])
    with pytest.raises(ArgumentError, match="class 1 has 1 real images to compare with, and a covariance needs 2"):
        choose(SelectionTask(images, labels, few, features=lambda part: part.flatten(1)), "covariance", 0.5)


def test_farthest_points_cover_all_clusters_before_any_twice() -> None:
    centres = np.array([[0, 0], [10, 0], [0, 10], [10, 10.0]])
    points = np.concatenate([centres + offset for offset in (0, 0.1, 0.2)])
    chosen = _far_apart(points, 4)
    assert sorted(chosen % 4) == [0, 1, 2, 3]
    assert sorted(_far_apart(points, 12)) == list(range(12))
    assert sorted(_far_apart(np.zeros((5, 2)), 5)) == [0, 1, 2, 3, 4]


def test_targeted_keeps_partners_of_what_is_not_learned_and_every_class(monkeypatch: pytest.MonkeyPatch) -> None:
    images, labels = bars(40)
    images[:10] = 255 - images[:10]  # these are hard

    class Early:
        def probabilities(self, asked: torch.Tensor) -> Any:
            hard = asked[:, 0, 4, 4] < 128
            own = np.where(hard, 0.1, 0.9)
            wrong = np.stack([own, own], axis=1)
            return wrong.astype(np.float32)

    monkeypatch.setattr(SelectionTask, "train", lambda *_, **__: Early())
    task = SelectionTask(images, labels, RealImages(images, labels), features=lambda part: part.flatten(1))
    assert choose(task, "targeted", 0.25).tolist() == list(range(10))
    alone = labels.copy()
    alone[39] = 2
    task = SelectionTask(images, alone, RealImages(images, labels), features=lambda part: part.flatten(1))
    assert 39 in choose(task, "targeted", 0.1)


def test_random_keeps_the_proportions_and_needs_no_labels() -> None:
    images, labels = bars(40)
    kept = choose(SelectionTask(images, labels, None, seed=3), "random", 0.3)
    assert np.bincount(labels[kept]).tolist() == [6, 6]
    assert len(choose(SelectionTask(images, None, None, seed=3), "random", 0.3)) == 12
    assert len(choose(SelectionTask(images[:1], None, None), "random", 0.01)) == 1


def test_weights_of_timm_come_from_a_local_file(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="there are no weights at"):
        TimmFeatures(tmp_path / "dinov2.pth")
    (tmp_path / "dinov2.pth").write_bytes(b"no weights")
    features = pickle.loads(pickle.dumps(TimmFeatures(tmp_path / "dinov2.pth", "vit_tiny_patch16_224", side=32)))
    try:
        import timm  # noqa: F401
    except ImportError:
        message = r"augsynth\[features\]"
    else:
        message = "gives no model"
    with pytest.raises(ArgumentError, match=message):
        features(torch.zeros(1, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(ArgumentError, match="1 or 3 channels, got 2"):
        features(torch.zeros(1, 2, 8, 8, dtype=torch.uint8))


def test_features_of_a_model_of_timm(tmp_path: Path) -> None:
    timm = pytest.importorskip("timm")
    torch.manual_seed(0)
    options = {"pretrained": False, "num_classes": 0, "img_size": 32}
    model = timm.create_model("vit_tiny_patch16_224", **options)
    torch.save(model.state_dict(), tmp_path / "tiny.pth")
    features = TimmFeatures(tmp_path / "tiny.pth", "vit_tiny_patch16_224", side=32)
    images = torch.randint(0, 256, (3, 1, 8, 8), dtype=torch.uint8)
    assert features(images).shape == (3, 192)
