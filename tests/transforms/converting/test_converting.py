"""Conversion of other libraries' pipelines, told by objects and dicts in their place: neither library is needed."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from augsynth import transforms as T
from augsynth.cli import main
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.transforms.converting import torchvision
from augsynth.transforms.converting.albumentations import pipelines as albumentations


def peer(name: str, **attributes: Any) -> Any:
    """An object that looks like a transform of torchvision."""
    return type(name, (SimpleNamespace,), {"__module__": "torchvision.transforms.v2._geometry"})(**attributes)


def described(name: str, **values: Any) -> dict[str, Any]:
    """A transform of Albumentations in serialised form."""
    return {"__class_fullname__": f"albumentations.augmentations.{name}", **values}


RESIZE = peer("Resize", size=[32], interpolation=SimpleNamespace(value="bilinear"), max_size=None, antialias=True)
TURN = peer(
    "RandomRotation",
    degrees=[-20.0, 10.0],
    interpolation=SimpleNamespace(value="nearest"),
    expand=False,
    center=None,
    fill=0,
)
MIX_UP = peer("AugMix", severity=3)


def test_a_nested_pipeline_of_torchvision() -> None:
    either = peer("RandomChoice", transforms=[peer("RandomHorizontalFlip", p=1.0), TURN], p=[0.25, 0.75])
    found = T.from_torchvision(peer("Compose", transforms=[RESIZE, peer("RandomApply", transforms=[either], p=0.3)]))
    turn = T.RandomRotation((-20.0, 10.0), interpolation="nearest")
    expected = [T.Resize(32), T.RandomApply([T.RandomChoice([T.RandomHorizontalFlip(1.0), turn], (0.25, 0.75))], 0.3)]
    assert found == T.Compose(expected)
    assert found.differences == ()


def test_the_affine_angles_of_torchvision_turn_the_other_way() -> None:
    affine = peer("RandomAffine", **{**vars(TURN), "translate": None, "scale": None, "shear": None})
    assert T.from_torchvision(affine).transforms[0].degrees == (-10.0, 20.0)  # type: ignore[attr-defined]


def test_all_that_cannot_be_converted_is_named_at_once() -> None:
    pipeline = [RESIZE, MIX_UP, peer("RandomApply", transforms=[peer("Lambda", lambd=abs)], p=0.5)]
    with pytest.raises(ArgumentError, match=r"(?s)\[1\]: AugMix is left out.*RandomApply → transforms\[0\]: Lambda"):
        T.from_torchvision(pipeline)
    rest = T.from_torchvision(pipeline, strict=False)
    assert rest.transforms[0] == T.Resize(32)
    assert [difference.left_out for difference in rest.differences] == [True, True]


def test_parameters_that_augsynth_refuses_are_named_too() -> None:
    with pytest.raises(
        ArgumentError, match="RandomHorizontalFlip is left out: augsynth refuses its parameters: p must"
    ):
        T.from_torchvision(peer("RandomHorizontalFlip", p=2.0))


@pytest.mark.parametrize("wrong", [T.RandomHorizontalFlip(), {"type": "RandomHorizontalFlip"}, None, "pipeline"])
def test_other_objects_are_refused(wrong: Any) -> None:
    with pytest.raises(ArgumentTypeError, match="must be of torchvision"):
        T.from_torchvision(wrong)
    with pytest.raises(ArgumentTypeError, match="must be of Albumentations"):
        T.from_albumentations(wrong)


def test_a_pipeline_of_albumentations_with_boxes() -> None:
    pipeline = described(
        "Compose",
        transforms=[
            described("HorizontalFlip", p=0.5),
            described(
                "OneOf",
                p=0.3,
                transforms=[described("MedianBlur", blur_limit=[3, 5], p=0.2), described("Equalize", p=0.6)],
            ),
            described("Normalize", mean=[0.5], std=[0.25], max_pixel_value=255.0, p=1.0),
            described("ToTensorV2", p=1.0),
        ],
        bbox_params={"format": "coco", "min_area": 4, "min_visibility": 0.1},
        p=1.0,
    )
    either = T.RandomChoice([T.MedianBlur((3, 5), p=1.0), T.RandomEqualize(1.0)], (0.2, 0.6))
    expected = T.Compose(
        [T.RandomHorizontalFlip(0.5), T.RandomApply([either], 0.3), T.Normalize((0.5,), (0.25,))],
        box_format="xywh",
        min_area=4.0,
        min_visibility=0.1,
    )
    found = T.from_albumentations({"__version__": "2.0.8", "transform": pipeline})
    assert found == expected
    assert [difference.place.rsplit(": ")[-1] for difference in found.differences] == ["Equalize"]


def test_parameters_of_older_versions_are_read() -> None:
    older = described(
        "ShiftScaleRotate", shift_limit=0.1, scale_limit=[-0.2, 0.1], rotate_limit=30, border_mode=4, p=1.0
    )
    newer = described(
        "ShiftScaleRotate",
        shift_range_x=[-0.1, 0.1],
        shift_range_y=[-0.1, 0.1],
        scale_range=[-0.2, 0.1],
        rotate_range=[-30, 30],
        border_mode=4,
        p=1.0,
    )
    assert T.from_albumentations(older) == T.from_albumentations(newer)


@pytest.mark.parametrize(
    ("transform", "reason"),
    [
        (described("Affine", translate_px={"x": [1, 2], "y": [0, 0]}), "translate_px"),
        (described("CoarseDropout", hole_height_range=[8, 16], hole_width_range=[8, 16]), "holes in pixels"),
        (described("Normalize", max_pixel_value=1000.0), "max_pixel_value"),
        (described("Compose", transforms=[], bbox_params={"format": "albumentations"}), "format 'albumentations'"),
        (described("RandomRain"), "nothing like Albumentations's RandomRain"),
    ],
)
def test_settings_without_a_counterpart_are_refused_in_words(transform: dict[str, Any], reason: str) -> None:
    with pytest.raises(ArgumentError, match=reason):
        T.from_albumentations(transform)


def test_the_printed_python_builds_the_same_pipeline() -> None:
    pipeline = T.Compose(
        [
            T.RandomResizedCrop((24, 32), scale=(0.2, 1.0)),
            T.RandomApply([T.RandomChoice([T.RandomRotation(20), T.ColorJitter(0.2)])], 0.3),
            T.Compose([T.Normalize(0.5, 0.25)]),
        ],
        min_area=4,
        box_format="xywh",
    )
    names: dict[str, Any] = {}
    exec(T.python_source(pipeline, "built"), names)
    assert names["built"] == pipeline


def test_the_command_prints_python_with_what_differs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = tmp_path / "pipeline.json"
    stored.write_text(json.dumps({"transform": described("Equalize", p=0.5)}))
    assert main(["convert", str(stored)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("# Equalize differs: ")
    names: dict[str, Any] = {}
    exec(printed, names)
    assert names["transform"](np.zeros((4, 6, 3), np.uint8)).shape == (3, 4, 6)


def test_the_command_runs_a_python_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = tmp_path / "train.py"
    script.write_text('flip = {"__class_fullname__": "VerticalFlip", "p": 1.0}\n')
    assert main(["convert", f"{script}:flip"]) == 0
    assert "T.RandomVerticalFlip(p=1.0)" in capsys.readouterr().out
    assert main(["convert", f"{script}:turn"]) == 2
    assert "train.py defines no 'turn'" in capsys.readouterr().err
    assert main(["convert", str(tmp_path / "absent.py") + ":flip"]) == 2
    assert main(["convert", str(tmp_path / "absent.json")]) == 2
    assert main(["convert", str(script)]) == 2


@pytest.mark.parametrize("table", [torchvision.TABLE, albumentations.TABLE])
def test_the_page_names_every_transform_that_converts(table: dict[str, Any]) -> None:
    page = (Path(__file__).parents[3] / "docs" / "coming-from.md").read_text()
    alike = {"RandomHorizontalFlip", "RandomVerticalFlip", "RandomPerspective", "ElasticTransform", "RandomGrayscale"}
    named = set(re.findall(r"`(\w+)", page)) | alike
    assert sorted(table.keys() - named) == []


def test_ranges_of_colours_and_holes_are_read_by_their_names() -> None:
    jitter = described("ColorJitter", brightness_range=[0.5, 1.5], contrast_range=[1, 1], saturation=0.3, hue=0, p=1.0)
    holes = described("CoarseDropout", hole_height_range=[0.2, 0.4], hole_width_range=[0.1, 0.2], p=1.0)
    first, second = T.from_albumentations([jitter, holes]).transforms
    assert first == T.ColorJitter((0.5, 1.5), (1.0, 1.0), (0.7, 1.3))
    assert isinstance(second, T.RandomErasing)
    assert second.scale == pytest.approx((0.02, 0.08))
