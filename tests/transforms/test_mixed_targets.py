"""MixUp and CutMix with boxes and masks: targets follow the pixels, and compositions are stored and replayed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from several_sources import equal_targets, keys, level_of, stored, two_objects, whole

from augsynth import transforms as T
from augsynth.core.images import as_batch
from augsynth.engine import run_composition
from augsynth.errors import ArgumentError, ArgumentTypeError
from augsynth.targets import mask_box

SEEDS = st.integers(0, 2**40)
SIDES = st.integers(1, 30)


def batch_of(items: Any) -> tuple[torch.Tensor, list[Any]]:
    images, targets = map(list, zip(*items, strict=True))
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), targets


@settings(max_examples=25)
@given(st.integers(1, 5), SIDES, SIDES, SEEDS)
def test_cutmix_clips_objects_to_the_pixels_that_show_them(count: int, height: int, width: int, seed: int) -> None:
    images, targets = batch_of([whole(number, height, width) for number in range(count)])
    mixed, soft, joined = T.CutMix(count)(images, list(range(count)), keys=keys(count, seed), targets=targets)
    assert torch.equal(mixed, T.CutMix(count)(images, list(range(count)), keys=keys(count, seed))[0])
    for image, share, target in zip(mixed[:, 0].numpy(), soft, joined, strict=True):
        for label, mask, box in zip(target["labels"], target["masks"], target["boxes"], strict=True):
            if count > 1:
                np.testing.assert_array_equal(mask, image == level_of(label))
                assert mask.mean() == pytest.approx(float(share[label]), abs=1e-5)
            np.testing.assert_array_equal(box, mask_box(mask))
        if count > 1:
            assert set(target["labels"]) == set(np.flatnonzero(share.numpy() > 1e-9))


@settings(max_examples=25)
@given(SEEDS)
def test_cutmix_of_masks_of_classes(seed: int) -> None:
    images, _ = batch_of([whole(number, 9, 13) for number in range(4)])
    maps = images[:, 0].long() // 8
    mixed, _, joined = T.CutMix(2)(images, [0, 1, 0, 1], keys=keys(4, seed), targets=list(maps))
    assert torch.equal(torch.stack(joined), mixed[:, 0].long() // 8)


@settings(max_examples=25)
@given(SEEDS)
def test_mixup_gives_the_objects_of_both_with_their_shares(seed: int) -> None:
    images, targets = batch_of([two_objects(number) for number in range(3)])
    images = images.float() / 255
    _, soft, joined = T.MixUp(3)(images, [0, 1, 2], keys=keys(3, seed), targets=targets)
    for number, (share, target) in enumerate(zip(soft.numpy(), joined, strict=True)):
        both = [targets[number], targets[number - 1]]
        for name in ("labels", "boxes", "masks"):
            np.testing.assert_array_equal(target[name], np.concatenate([one[name] for one in both]))
        np.testing.assert_allclose(target["weights"], share[target["labels"] // 10], atol=1e-6)
    weighted = [{**target, "weights": np.array([1.0, 0.5])} for target in targets]
    _, _, again = T.MixUp(3)(images, [0, 1, 2], keys=keys(3, seed), targets=weighted)
    np.testing.assert_allclose(again[0]["weights"], joined[0]["weights"] * [1, 0.5, 1, 0.5])


def test_mixup_blends_masks_of_floats_and_refuses_numbers_of_classes() -> None:
    images, maps = torch.rand(3, 3, 6, 5), torch.rand(3, 2, 6, 5)
    _, soft, joined = T.MixUp(3)(images, [0, 1, 2], keys=keys(3), targets=[{"masks": found} for found in maps])
    share = soft.diagonal()
    for number in range(3):
        expected = share[number] * maps[number] + (1 - share[number]) * maps[number - 1]
        torch.testing.assert_close(joined[number]["masks"], expected)
    with pytest.raises(ArgumentError, match="number classes, which cannot be blended: use CutMix"):
        T.MixUp(3)(images, [0, 1, 2], targets=list(torch.zeros(3, 6, 5, dtype=torch.int64)))


@settings(max_examples=25)
@given(st.sampled_from([T.MixUp, T.CutMix]), st.integers(1, 5), SIDES, SIDES, SEEDS)
def test_a_stored_composition_gives_the_same_bits(kind: Any, count: int, height: int, width: int, seed: int) -> None:
    images, targets = batch_of([whole(number, height, width, dtype=np.float32) for number in range(count)])
    images += torch.rand(images.shape, generator=torch.Generator().manual_seed(0))
    mix = kind(count, alpha=0.3)
    mixed, soft, joined = mix(images, list(range(count)), keys=keys(count, seed), targets=targets)
    composition = stored(mix.compose(images, keys=keys(count, seed)))
    again, labels, others = mix.replay(images, composition, list(range(count)), targets)
    assert torch.equal(mixed, again)
    assert torch.equal(soft, labels)
    assert equal_targets(joined, others)
    # The engine makes the same of it as torch does.
    shapes = [[None] * len(layer) for layer in composition.layers]
    assert torch.equal(run_composition(composition, as_batch(images), shapes), mixed)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_dtypes_are_replayed_too(dtype: torch.dtype) -> None:
    images = torch.rand(3, 2, 5, 7).to(dtype)
    mix = T.MixUp(3)
    mixed, _ = mix(images, [0, 1, 2], keys=keys(3))
    assert torch.equal(mix.replay(images, mix.compose(images, keys=keys(3)), [0, 1, 2])[0], mixed)


def test_targets_alone_need_no_labels() -> None:
    images, targets = batch_of([whole(number, 8, 8) for number in range(3)])
    mixed, soft, joined = T.CutMix(3)(images, targets=targets, keys=keys(3))
    assert soft is None
    assert len(joined) == len(mixed) == 3


def test_refused() -> None:
    images, targets = batch_of([whole(number, 8, 8) for number in range(3)])
    mix = T.CutMix(3)
    composition = mix.compose(images, keys=keys(3))
    for other in (composition[:2], T.Mosaic(8).compose(list(images), keys=keys(3))):
        with pytest.raises(ArgumentError, match=r"is not one of MixUp or CutMix|is for 2 images"):
            mix.replay(images, other)
    with pytest.raises(ArgumentTypeError, match="must be a Composition"):
        mix.replay(images, None)
    with pytest.raises(ArgumentError, match="one target an image: got 2 for 3"):
        mix(images, targets=targets[:2])
