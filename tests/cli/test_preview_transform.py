"""`augsynth preview --transform`: one transform on the drawn scene, and the sheet that the gallery is made of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augsynth import transforms as T
from augsynth.cli import main
from augsynth.evaluate.before_after import before_after, with_targets
from augsynth.evaluate.scene import scene


def preview(*arguments: object) -> int:
    return main(["preview", *map(str, arguments)])


def sheet(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_a_transform_is_shown_before_and_after(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "flip.png"
    arguments = ("--transform", "RandomHorizontalFlip", "--set", "p=1.0", "--variants", 2, "--out", out)
    assert preview(*arguments) == 0
    image, _ = scene()
    first, second, third = (sheet(out)[:, 132 * k : 132 * k + 128, :3] for k in range(3))
    np.testing.assert_array_equal(first, image)
    np.testing.assert_array_equal(second, image[:, ::-1])
    np.testing.assert_array_equal(third, second)
    assert "1 pass" in capsys.readouterr().out


def test_targets_are_drawn_where_they_went(tmp_path: Path) -> None:
    out = tmp_path / "flip.png"
    assert preview("--transform", "RandomHorizontalFlip", "--set", "p=1.0", "--targets", "--out", out) == 0
    image, target = scene()
    np.testing.assert_array_equal(sheet(out)[:, :128, :3], with_targets(image, target))
    # Only the crosses are a pixel beside their mirror images: a keypoint lies between two pixels, or in one of them.
    differs = (sheet(out)[:, 132:260, :3] != with_targets(image, target)[:, ::-1]).any(axis=2)
    assert differs.mean() < 0.01


def test_pictures_of_any_size_lie_side_by_side() -> None:
    image, target = scene(40, 60)
    pad = before_after(T.Pad(10), image, target, variants=1, seed=0)
    assert pad.shape == (60, 60 + 4 + 80, 4)
    assert not pad[:10, :60, 3].any()
    assert pad[:, 64:, 3].all()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--transform", "RandomFlip"), "unknown transform 'RandomFlip'"),
        (("--transform", "RandomRotation"), "degrees"),
        (("--transform", "Pad", "--set", "padding=1", "--pipeline", "p.json"), "exclude each other"),
        (("--set", "p=1"), "go with --transform"),
    ],
)
def test_mistakes_are_told(
    arguments: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert preview(*arguments, "--out", tmp_path / "p.png") == 2
    assert words in capsys.readouterr().err


def test_the_scene_is_what_its_target_says() -> None:
    image, target = scene()
    assert image.dtype == np.uint8
    for box, mask in zip(target["boxes"].astype(int), target["masks"], strict=True):
        x1, y1, x2, y2 = box
        assert mask[y1:y2, x1:x2].sum() == mask.sum() > 500
    wire = (image == 0).all(axis=2)
    assert wire.any()
    assert ((image == 0) == wire[..., None]).all()
