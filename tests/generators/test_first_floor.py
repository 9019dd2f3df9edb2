"""Generators without a training loop: three plugins from a folder of their own, and what `fit` says to them."""

from __future__ import annotations

import hashlib
import importlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from generators.fake_plugins import install
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.data import SyntheticMixDataset, SyntheticPool
from augsynth.errors import AugsynthError, CheckpointError, PluginError
from augsynth.generators import (
    CapabilityError,
    Generator,
    NetworkGenerator,
    NotFittedError,
    create_generator,
    list_generators,
    load_generator,
    registry,
)
from augsynth.testing import check_generator

GUIDE = Path(__file__).parents[2] / "docs" / "generators.md"
SOURCES = Path(__file__).parent / "first_floor"
FIT: dict[str, Any] = {"device": "cpu", "progress": False}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder outside of the repository in which the three plugins are installed."""
    site = tmp_path / "site"
    site.mkdir()
    neighbours = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[0]
    frozen, shapes = ((SOURCES / f"augsynth_{name}.py").read_text() for name in ("frozen", "shapes"))
    for name, kind, source in (
        ("neighbours", "Neighbours", neighbours), ("frozen", "Frozen", frozen), ("shapes", "Shapes", shapes)
    ):  # fmt: skip
        install(site, f"augsynth-{name}", [(name, f"augsynth_{name}:{kind}")], {f"augsynth_{name}": source})
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(registry, "_REGISTRY", registry.Registry())
    yield site
    for name in ("augsynth_neighbours", "augsynth_frozen", "augsynth_shapes"):
        sys.modules.pop(name, None)


@pytest.fixture
def decoder(site: Path, tmp_path: Path) -> Path:
    """The weights of a pretrained decoder."""
    module = importlib.import_module("augsynth_frozen").make_decoder()
    path = tmp_path / "decoder.safetensors"
    safetensors.torch.save_file(module.state_dict(), path)
    return path


def test_all_are_installed_and_found_by_name(site: Path) -> None:
    found = {info.name: info.status for info in list_generators()}
    assert all(found[name] == "not loaded yet" for name in ("neighbours", "frozen", "shapes"))
    paths = os.pathsep.join([str(site), *sys.path])
    code = "from augsynth.generators import create_generator as c; print(c('shapes', size=5).sample(2).images.shape)"
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}, cwd=site, capture_output=True, text=True
    )
    assert done.stdout == "torch.Size([2, 1, 5, 5])\n", done.stderr


def test_a_plugin_that_keeps_the_images_conforms(site: Path) -> None:
    check_generator(partial(create_generator, "neighbours"))


def test_a_plugin_that_wraps_a_pretrained_module_conforms(decoder: Path) -> None:
    check_generator(partial(create_generator, "frozen", path=str(decoder)))


def test_a_plugin_that_renders_from_no_data_conforms(site: Path) -> None:
    check_generator(partial(create_generator, "shapes"))


def test_neighbours_are_drawn_between_images_of_a_class(site: Path, images: TensorDataset, tmp_path: Path) -> None:
    generator = create_generator("neighbours")
    report = generator.fit(images, checkpoint_dir=tmp_path / "kept", **FIT)
    assert (report.steps, report.images, report.checkpoint) == (0, 30, tmp_path / "kept")
    drawn = generator.sample(60, labels=1)
    known = images.tensors[0][images.tensors[1] == 1]
    assert bool((drawn.images >= known.amin(0)).all())
    assert bool((drawn.images <= known.amax(0)).all())
    loaded = load_generator(tmp_path / "kept")
    assert loaded.digest() == generator.digest()
    assert torch.equal(loaded.sample(60, labels=1).images, drawn.images)


def test_a_wrapped_module_is_named_and_not_copied(decoder: Path, tmp_path: Path) -> None:
    generator = create_generator("frozen", path=str(decoder))
    generator.save(tmp_path / "saved")
    size = sum(file.stat().st_size for file in (tmp_path / "saved").iterdir())
    assert size < 2000 < decoder.stat().st_size
    assert str(decoder) in (tmp_path / "saved" / "config.json").read_text()
    (state,) = (tmp_path / "saved").glob("*.safetensors")
    sha256 = bytes(safetensors.torch.load_file(state)["sha256"].tolist()).hex()
    assert sha256 == hashlib.sha256(decoder.read_bytes()).hexdigest()
    assert torch.equal(load_generator(tmp_path / "saved").sample(5).images, generator.sample(5).images)


def test_another_module_at_its_path_is_refused(decoder: Path, tmp_path: Path) -> None:
    create_generator("frozen", path=str(decoder)).save(tmp_path / "saved")
    weights = safetensors.torch.load_file(decoder)
    safetensors.torch.save_file({name: value + 1 for name, value in weights.items()}, decoder)
    with pytest.raises(CheckpointError, match="holds other weights than when this generator was saved"):
        load_generator(tmp_path / "saved")
    decoder.unlink()
    with pytest.raises(CheckpointError, match=r"does not fit the installed 'frozen' generator: .*No such file"):
        load_generator(tmp_path / "saved")


def test_a_renderer_fills_a_pool_and_a_mix(site: Path, tmp_path: Path) -> None:
    generator = create_generator("shapes")
    pool = SyntheticPool.create(tmp_path / "pool", generator, 6, progress=False)
    pool.export(tmp_path / "folder", progress=False)
    assert {path.name for path in (tmp_path / "folder").iterdir()} == {"disc", "square", "cross"}
    real = TensorDataset(torch.zeros(6, 1, 16, 16, dtype=torch.uint8), torch.arange(6) % 3)
    mixed = SyntheticMixDataset(real, "shapes", ratio=0.5)
    assert sum(bool(mixed[index][0].any()) for index in range(6)) == 3


def test_what_learns_nothing_says_that_nothing_is_to_be_fitted(site: Path, images: TensorDataset) -> None:
    for options in ({}, {"steps": 5}):
        with pytest.raises(
            CapabilityError, match=r"'shapes' has no learn\(\), so nothing is to be fitted: call sample"
        ):
            create_generator("shapes").fit(images, **options, **FIT)


@pytest.mark.parametrize(
    "options", [{"steps": 3}, {"epochs": 1}, {"resume": True}, {"start_from": "x"}, {"callbacks": [print]}]
)
def test_the_first_floor_takes_no_steps(site: Path, images: TensorDataset, options: dict[str, Any]) -> None:
    with pytest.raises(AugsynthError, match=f"fit of 'neighbours' takes no {next(iter(options))}: it is no NetworkGen"):
        create_generator("neighbours").fit(images, **options, **FIT)


def test_no_callbacks_are_an_empty_list(site: Path, images: TensorDataset) -> None:
    with pytest.raises(AugsynthError, match="callbacks must be a list of functions"):
        create_generator("neighbours").fit(images, callbacks=None, **FIT)  # type: ignore[arg-type]
    assert create_generator("neighbours").fit(images, callbacks=[], **FIT).images == 30


def test_a_second_fit_says_that_it_starts_anew(site: Path, images: TensorDataset, tmp_path: Path) -> None:
    generator = create_generator("neighbours")
    generator.fit(images, **FIT)
    with pytest.warns(UserWarning, match="'neighbours' was fitted before, and this fit starts anew"):
        generator.fit(TensorDataset(255 - images.tensors[0], images.tensors[1]), **FIT)
    generator.save(tmp_path / "kept")
    with pytest.warns(UserWarning, match="starts anew"):
        load_generator(tmp_path / "kept").fit(images, **FIT)
    fresh = create_generator("neighbours")
    fresh.fit(TensorDataset(255 - images.tensors[0], images.tensors[1]), **FIT)
    assert generator.digest() == fresh.digest()


def test_a_checkpoint_is_not_overwritten(site: Path, images: TensorDataset, tmp_path: Path) -> None:
    create_generator("neighbours").fit(images, checkpoint_dir=tmp_path / "x", **FIT)
    with pytest.raises(CheckpointError, match="already holds a checkpoint: name another folder"):
        create_generator("neighbours").fit(images, checkpoint_dir=tmp_path / "x", **FIT)


class Wide(Generator):
    """Draws wider images than it learned from, and forgets to restore what it keeps."""

    name = "wide"

    def learn(self, images: Tensor, labels: Tensor | None, *, seed: int, progress: bool) -> None:
        self.level = torch.rand(1)
        self.describe((1, images.shape[2], 2 * images.shape[3]))

    def state(self) -> dict[str, Tensor]:
        return {"level": self.level}

    def generate(self, noise: Any, labels: Any, guidance: Any) -> Tensor:
        return self.level * noise.normal(*self.image_shape)


class Widened(Wide):
    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.level = state["level"]


def test_a_generator_of_other_images_than_it_learned_from_conforms() -> None:
    check_generator(Widened, spawn=False)


def test_learn_may_describe_other_images_and_draws_from_its_seed(images: TensorDataset) -> None:
    one, two, other = Wide(), Wide(), Wide()
    before = torch.get_rng_state()
    for generator, seed in ((one, 1), (two, 1), (other, 2)):
        generator.fit(images, seed=seed, **FIT)
    assert torch.equal(torch.get_rng_state(), before)
    assert one.sample(2).images.shape == (2, 1, 8, 16)
    assert one.digest() == two.digest() != other.digest()


def test_state_without_restore_is_the_plugins_fault(images: TensorDataset, tmp_path: Path) -> None:
    generator = Wide()
    generator.fit(images, **FIT)
    generator.save(tmp_path)
    with pytest.raises(CheckpointError, match=r"has no restore\(\) for level"):
        Wide.load(tmp_path)
    generator.state = lambda: {"level": 0.5}  # type: ignore[method-assign, return-value, dict-item]
    with pytest.raises(PluginError, match="must give tensors by name"):
        generator.save(tmp_path)


def test_what_is_kept_is_not_the_memory_of_the_data_set(site: Path, images: TensorDataset) -> None:
    generator = create_generator("neighbours")
    generator.fit(images, **FIT)
    before = generator.digest()
    images.tensors[0].zero_()
    images.tensors[1].zero_()
    assert generator.digest() == before


def test_a_failed_learn_leaves_the_generator_unfitted(images: TensorDataset) -> None:
    generator = Wide()
    generator.fit(images, **FIT)
    generator.learn = lambda *args, **options: 1 / 0  # type: ignore[method-assign, assignment, return-value]
    with pytest.raises(ZeroDivisionError), pytest.warns(UserWarning, match="starts anew"):
        generator.fit(images, **FIT)
    with pytest.raises(NotFittedError):
        generator.sample(1)


DESCRIPTIONS: dict[str, tuple[tuple[Any, ...], str]] = {
    "two sides": (((8, 8),), "expected .channels, height, width."),
    "no side": (((1, 0, 8),), "image_shape is"),
    "seventeen channels": (((17, 8, 8),), "at most 16 channels"),
    "classes of an unconditional one": (((1, 8, 8), 3), r"num_classes is 3, and the generator declares \[\]"),
    "one text as names": (((1, 8, 8), None, "ab"), "expected some texts"),
}


@pytest.mark.parametrize("case", DESCRIPTIONS)
def test_what_is_described_is_checked(case: str) -> None:
    description, message = DESCRIPTIONS[case]
    with pytest.raises(PluginError, match=message):
        Wide().describe(*description)


class Plain(Generator):
    """Draws noise of a shape that its class says."""

    name = "plain"
    shape = (1, 8, 8)

    def __init__(self, config: Any = None) -> None:
        super().__init__(config)
        self.describe(self.shape)

    def generate(self, noise: Any, labels: Any, guidance: Any) -> Tensor:
        return noise.normal(*self.image_shape)


def test_a_checkpoint_of_images_that_are_no_longer_drawn_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Plain().save(tmp_path)
    assert Plain.load(tmp_path).digest() == Plain().digest()
    monkeypatch.setattr(Plain, "shape", (1, 9, 9))
    with pytest.raises(
        CheckpointError, match=r"it drew images of \(1, 8, 8\) when it was saved, and now draws images of \(1, 9, 9\)"
    ):
        Plain.load(tmp_path)


class Undescribed(Wide):
    learn = Generator.learn


def test_a_generator_that_never_describes_itself_is_named() -> None:
    with pytest.raises(AssertionError, match="not described by its __init__"):
        check_generator(Undescribed, spawn=False)


def test_networks_on_the_first_floor_are_sent_upstairs() -> None:
    class Misplaced(Wide):
        name = "misplaced"

        def training_step(self, images: Any, labels: Any, step: Any) -> Any:
            return {}

    with pytest.raises(PluginError, match=r"derive it from augsynth\.generators\.NetworkGenerator"):
        registry.Registry().register("misplaced", Misplaced)
    assert not issubclass(Misplaced, NetworkGenerator)
