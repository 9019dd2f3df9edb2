"""Pools of images with boxes, labels and masks, which a generator or a renderer gives."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Renderer, renderer, toy_generator

from augsynth import SyntheticMixDataset
from augsynth import transforms as T
from augsynth.data import SyntheticPool
from augsynth.data.pools import shards
from augsynth.errors import AugsynthError, CheckpointError, PluginError
from augsynth.generators import Generated
from augsynth.generators.targets import check_target


def create(path: Path, n: int = 20, shard_size: int = 8, **options: Any) -> SyntheticPool:
    generator = options.pop("generator", None) or renderer()
    return SyntheticPool.create(path, generator, n, seed=5, shard_size=shard_size, progress=False, **options)


def same_target(a: Any, b: Any) -> bool:
    return set(a) == set(b) and all(torch.equal(a[name], b[name]) and a[name].dtype == b[name].dtype for name in a)


def test_samples_have_targets_whatever_the_call() -> None:
    whole = renderer().sample(20, seed=5)
    assert {len(target["boxes"]) for target in whole.targets} == {0, 1, 2, 3}
    for start, n in ((0, 3), (5, 9), (17, 3)):
        part = renderer().sample(n, seed=5, start=start)
        assert all(map(same_target, part.targets, whole.targets[start : start + n]))
    item = whole[3]
    assert set(item) == {"image", "boxes", "labels", "masks"}
    assert all((item["image"][:, mask] == 255).all() for mask in item["masks"])


@pytest.mark.parametrize("read_up_to", [0, 2**14])
def test_a_pool_gives_the_targets_of_its_samples(tmp_path: Path, monkeypatch: Any, read_up_to: int) -> None:
    monkeypatch.setattr(shards, "_READ_UP_TO", read_up_to)
    expected = renderer().sample(20, seed=5)
    for shard_size in (1, 8, 100):
        pool = pickle.loads(pickle.dumps(create(tmp_path / str(shard_size), shard_size=shard_size)))
        assert pool.class_names == ("small", "middle", "large")
        assert [field.name for field in pool.target_fields] == ["boxes", "labels", "masks"]
        for position in range(20):
            item, sample = pool[position], expected[position]
            assert torch.equal(item.pop("image"), sample.pop("image"))
            assert same_target(item, sample)
        taken = pool.take([19, 0, 7])
        assert all(map(same_target, taken.targets, [expected.targets[index] for index in (19, 0, 7)]))
        pool.append(renderer(), 2, seed=5, progress=False)
        assert same_target(pool.take([21]).targets[0], renderer().sample(1, seed=5, start=21).targets[0])
        pool.verify()


class Shifted(Renderer):
    """The same images, with other labels."""

    def generate(self, noise: Any, labels: Any, guidance: float | None) -> Generated:
        made = super().generate(noise, labels, guidance)
        return Generated(made.images, [{**target, "labels": 0 * target["labels"]} for target in made.targets or ()])


def test_the_digest_of_a_pool_tells_other_targets(tmp_path: Path) -> None:
    shifted = Shifted()
    shifted.describe((3, 9, 12), None, ["small", "middle", "large"])
    pool, other = create(tmp_path / "a"), create(tmp_path / "b", generator=shifted)
    assert torch.equal(pool.take(range(20)).images, other.take(range(20)).images)
    assert pool.content_digest() == create(tmp_path / "c").content_digest() != other.content_digest()


def test_transforms_and_mixes_move_the_targets(tmp_path: Path) -> None:
    pool = create(tmp_path)
    real = [{**item, "image": item["image"]} for item in renderer().sample(6, seed=9)]
    flip = T.Compose([T.RandomHorizontalFlip(p=1.0)])
    mix = SyntheticMixDataset(real, pool, ratio=0.5, pairing="free", transform=flip, seed=1)
    for position in range(6):
        source, item = mix.source(position), mix[position]
        original = (pool if source.synthetic else real)[source.item]
        assert torch.equal(item["image"], original["image"].flip(2))
        assert torch.equal(item["masks"], original["masks"].flip(2))
        assert item["boxes"].shape == original["boxes"].shape
        assert torch.equal(item["labels"], original["labels"])


@pytest.mark.parametrize("name", ["target-masks-000001.npy", "target-offsets-000000.npy", "target-boxes-000001.npy"])
def test_damaged_targets_are_found(tmp_path: Path, name: str) -> None:
    pool = create(tmp_path)
    data = bytearray((tmp_path / name).read_bytes())
    data[-1] ^= 255
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CheckpointError, match=f"damaged: {name}"):
        pool.verify()
    (tmp_path / name).write_bytes(data[:-1])
    with pytest.raises(CheckpointError, match=f"{name} cannot be read"):
        [*SyntheticPool.open(tmp_path)]


@pytest.mark.parametrize("offsets", [[1, *range(2, 10)], [0, 5, 4, *[9] * 6], [0] * 8 + [10**12]])
def test_offsets_that_lead_nowhere_are_refused(tmp_path: Path, offsets: list[int]) -> None:
    create(tmp_path)
    np.save(tmp_path / "target-offsets-000000.npy", np.array(offsets))
    with pytest.raises(CheckpointError, match="cannot be read"):
        SyntheticPool.open(tmp_path)[0]


WRONG_FIELDS: dict[str, Any] = {
    "a path as a name": {"name": "../../etc/passwd"},
    "an unknown name": {"name": "images"},
    "objects": {"dtype": "object"},
    "an absurd side": {"shape": [2**70]},
    "a negative side": {"shape": [-4]},
    "three sides": {"shape": [1, 2, 3]},
    "a number": {"of_objects": 1},
    "a field too many": {"extra": 1},
}


@pytest.mark.parametrize("change", WRONG_FIELDS.values(), ids=WRONG_FIELDS)
def test_fields_of_a_manifest_that_cannot_be_are_refused(tmp_path: Path, change: Any) -> None:
    create(tmp_path)
    content = json.loads((tmp_path / "manifest.json").read_text())
    content["targets"][0].update(change)
    (tmp_path / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(CheckpointError, match=r"manifest\.json is incomplete or damaged"):
        SyntheticPool.open(tmp_path)


def test_a_pool_takes_only_samples_with_its_fields(tmp_path: Path) -> None:
    pool = create(tmp_path)
    plain = toy_generator((3, 9, 12), None)
    with pytest.raises(PluginError, match="those of later samples are none"):
        pool.append(plain, 3, progress=False)
    assert len(SyntheticPool.open(tmp_path)) == 20


SIZE = (4, 6)
WRONG_TARGETS: dict[str, tuple[Any, str]] = {
    "no dict": ([1], "must be a dict with some of boxes"),
    "nothing": ({}, "must be a dict"),
    "another name": ({"bboxes": []}, "must be a dict"),
    "three numbers": ({"boxes": [[0, 0, 1]]}, r"must be numbers \(k, 4\)"),
    "corners in another order": ({"boxes": [[3, 0, 1, 1]]}, "x1 <= x2"),
    "no numbers": ({"boxes": [["a", "b", "c", "d"]]}, "must be numbers"),
    "not finite": ({"boxes": [[0, 0, 1, float("nan")]]}, "must be finite"),
    "more labels than boxes": ({"boxes": [[0, 0, 1, 1]], "labels": [0, 1]}, "1 in boxes, 2 in labels"),
    "labels that are no integers": ({"labels": [0.5]}, "integers of at least 0"),
    "negative labels": ({"labels": [-1]}, "integers of at least 0"),
    "masks of another size": ({"masks": np.zeros((1, 4, 5), bool)}, r"shape \(k, 4, 6\) or \(4, 6\)"),
    "masks of floats": ({"masks": np.ones((4, 6))}, "integers of at least 0"),
    "points of three numbers": ({"keypoints": [[1, 2, 3]]}, "must be numbers"),
}


@pytest.mark.parametrize("case", WRONG_TARGETS)
def test_targets_that_are_not_as_described_are_refused(case: str) -> None:
    target, message = WRONG_TARGETS[case]
    with pytest.raises(AugsynthError, match=message):
        check_target(target, SIZE, "the target")


def test_every_kind_of_field_has_a_form() -> None:
    target = check_target(
        {"boxes": [], "labels": [], "masks": np.full((4, 6), 300), "keypoints": [[1, 2]]}, SIZE, "the target"
    )
    forms = {name: (str(value.dtype), tuple(value.shape)) for name, value in target.items()}
    assert forms == {
        "boxes": ("torch.float32", (0, 4)),
        "labels": ("torch.int64", (0,)),
        "masks": ("torch.int64", (4, 6)),
        "keypoints": ("torch.float32", (1, 2)),
    }


def test_one_target_an_image(monkeypatch: Any) -> None:
    monkeypatch.setattr(Renderer, "generate", lambda self, noise, *_: Generated(torch.zeros(8, 3, 9, 12), [{}]))
    with pytest.raises(PluginError, match="one target an image; it gave 1 for 8 images"):
        renderer().sample(3)
