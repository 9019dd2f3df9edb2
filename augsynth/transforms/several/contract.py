"""The contract of transforms that make an image of several: draw a composition from keys, and run it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np
import torch

from augsynth.core import rng
from augsynth.core.rng import Keys, KeysLike, single_key
from augsynth.core.typing import Ints
from augsynth.engine import run_composition
from augsynth.errors import ArgumentError, ArgumentTypeError, shown
from augsynth.plan import GIVEN, Composition, Plan
from augsynth.plan.lowering import Lowering
from augsynth.targets import TargetRules, cut_outs, place_composition
from augsynth.transforms.compose import Compose
from augsynth.transforms.params import dtype_named, frozen, probability
from augsynth.transforms.pipeline import Pipeline, keys_for
from augsynth.transforms.registry import from_dict
from augsynth.transforms.several.sources import Gathering, Sources, check_source
from augsynth.transforms.shapes import as_shapes

NOTHING = Compose([])


class SeveralImages(ABC):
    """Base of `Mosaic` and `CopyPaste`: frozen dataclasses of parameters, which draw compositions.

    A subclass is a frozen dataclass with these parameters and others, and defines `check`, `_drawn` and the words for
    `explain`.

    Attributes:
        source: the data set from which partners are drawn; None for the other images of the batch.
        transform: the pipeline of each image.
        then: the transform of the finished outputs; None for none.
        p: the probability that an output has several images.
    """

    source: Any
    transform: Pipeline
    then: Any
    p: float
    _op: ClassVar[int]
    _cuts_out: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.name in ("transform", "base") and not isinstance(value, Pipeline):
                raise ArgumentTypeError(f"{field.name} must be one of augsynth.transforms, got {shown(value)}")
            if field.name == "then" and not (value is None or isinstance(value, (Pipeline, SeveralImages))):
                raise ArgumentTypeError(f"then must be one of augsynth.transforms or None, got {shown(value)}")
            if field.name not in ("source", "transform", "base", "then"):
                object.__setattr__(self, field.name, frozen(value))
        check_source(self.source)
        probability(self.p)
        self.check()

    @abstractmethod
    def check(self) -> None:
        """Raise `ArgumentError` if a parameter is out of range."""

    @abstractmethod
    def _drawn(self, gathering: Gathering, keys: Keys) -> tuple[Composition, Sources]:
        """Draw the composition of the images in `gathering`, and add to them the items that it needs."""

    @property
    def target_rules(self) -> TargetRules:
        """The rules by which targets follow their images: those of `transform`."""
        return self.transform.target_rules

    @property
    def passthrough(self) -> tuple[str, ...]:
        """The names of the fields of targets that stay as they are; see `Compose`."""
        return self.target_rules.passthrough

    def __call__(self, image: Any, target: Any = None, *, key: tuple[int, int, int] | None = None) -> Any:
        """Transform one image; returns a tensor (C, H, W), or (tensor, target) if a target was given.

        Without a `source`, the image is its own partner.

        Args:
            image: one image, in a form that `batch` takes.
            target: its target, a dict with any of `boxes`, `labels`, `masks`, `keypoints`, or a mask.
            key: (seed, epoch, index), which decides all random numbers; drawn from torch's generator by default.
        """
        keys = single_key(key)
        if target is None:
            return self.batch([image], keys=keys)[0]
        images, targets = self.batch([image], [target], keys=keys)
        return images[0], targets[0]

    def batch(self, images: Any, targets: Sequence[Any] | None = None, *, keys: KeysLike | None = None) -> Any:
        """Transform many images; returns a tensor (B, C, H, W), with `targets` also a list.

        Args:
            images: images in a form that `Compose.batch` takes.
            targets: one for each image: dicts with any of `boxes`, `labels`, `masks`, `keypoints`, or masks.
            keys: one (seed, epoch, index) for each image; drawn from torch's generator by default.
        """
        given = keys_for(keys, len(images))
        composition, sources = self._gathered(images, targets, given)
        result = _run(composition, sources, targets is not None)
        if self.then is None:
            return result
        return self.then.batch(result, keys=given) if targets is None else self.then.batch(*result, keys=given)

    def compose(
        self, images: Any, targets: Sequence[Any] | None = None, *, keys: KeysLike | None = None
    ) -> Composition:
        """Draw the composition of images without making them: all random choices as data, to be stored and replayed.

        `then` is no part of it.

        Args:
            images: images in a form that `batch` takes. Their pixels are not looked at.
            targets: one for each image.
            keys: one (seed, epoch, index) for each image; drawn from torch's generator by default.
        """
        return self._gathered(images, targets, keys_for(keys, len(images)))[0]

    def replay(self, images: Any, composition: Composition, targets: Sequence[Any] | None = None) -> Any:
        """Run a composition that was drawn before, or loaded; returns (B, C, H, W), with `targets` also a list.

        The result is that of `batch` before `then`, bit for bit. The items of `source` are read again by number.

        Args:
            images: the images for which the composition was drawn.
            composition: the composition.
            targets: one for each image.
        """
        if not isinstance(composition, Composition):
            raise ArgumentTypeError(f"composition must be a Composition, got {type(composition).__name__}")
        gathering = self._gathering(images, targets)
        items = composition.items[composition.items != GIVEN].tolist()
        if items and (self.source is None or max(items) >= len(self.source)):
            has = "none was given" if self.source is None else f"source has {len(self.source)} items"
            raise ArgumentError(f"the composition takes item {max(items)} of a data set, and {has}")
        for item in items:
            gathering.add(item)
        return _run(composition, gathering.finish(), targets is not None)

    def explain(self, shape: Sequence[int] = (1024, 1024, 3), dtype: str = "uint8") -> str:
        """The composition in words, with the passes of the images for one shape and dtype.

        Args:
            shape: (H, W) or (H, W, C).
            dtype: the dtype of the images; "uint8" by default.
        """
        lowering = self.transform.begin(as_shapes([shape]), dtype_named(dtype))
        self._add_example(lowering)
        lowering.finish()
        lines = [*self._words(), *_indented(lowering.explain())]
        after = [] if self.then is None else ["then", *_indented(self.then.explain(dtype=dtype))]
        return "\n".join([*lines, *after])

    @abstractmethod
    def _words(self) -> list[str]:
        """Lines that tell how images are put together."""

    @abstractmethod
    def _add_example(self, lowering: Lowering) -> None:
        """Add the steps of one image, such as they always are."""

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready description without `source`; `from_dict` of the same class builds it again."""
        names = [field.name for field in fields(self) if field.name != "source"]  # type: ignore[arg-type]
        values = {name: getattr(self, name) for name in names}
        described = {name: value.to_dict() if hasattr(value, "to_dict") else value for name, value in values.items()}
        return {"type": type(self).__name__, **described}

    @classmethod
    def from_dict(cls, description: Mapping[str, Any], *, source: Any = None) -> Any:
        """Build the object that `to_dict` described; `ArgumentError` names an entry that does not belong there.

        Args:
            description: a mapping with the `type` and the parameters. `then` may be an ordinary transform.
            source: the data set, which a description leaves out; None by default.
        """
        values = dict(description) if isinstance(description, Mapping) else {}
        known = {field.name for field in fields(cls)} - {"source"}  # type: ignore[arg-type]
        if values.pop("type", None) != cls.__name__ or not values.keys() <= known:
            raise ArgumentError(
                f"a description of {cls.__name__} has this type and its parameters, got {shown(description)}"
            )
        for name in ("transform", "base", "then"):
            if isinstance(values.get(name), Mapping):
                values[name] = from_dict(values[name])
        return cls(source=source, **values)  # type: ignore[call-arg]

    @property
    def draws_numbers(self) -> bool:
        """True: partners and places depend on the key."""
        return True

    @property
    def _others(self) -> str:
        """The images from which partners are drawn, in words."""
        return "the other images of the batch" if self.source is None else f"the {len(self.source)} items of source"

    def _partner(self, u: float, output: int, gathering: Gathering) -> int:
        """The number of a source that is drawn by u in [0, 1): an item of `source`, or an image of another output."""
        if self.source is not None:
            return gathering.add(int(u * len(self.source)))
        return (output + 1 + int(u * max(gathering.given - 1, 1))) % gathering.given

    def _gathering(self, images: Any, targets: Any) -> Gathering:
        return Gathering(images, targets, self.source, self.target_rules, self._cuts_out)

    def _gathered(self, images: Any, targets: Any, keys: Keys) -> tuple[Composition, Sources]:
        return self._drawn(self._gathering(images, targets), keys)


def _run(composition: Composition, sources: Sources, with_targets: bool) -> Any:
    shapes = cut_outs(sources.readings or [None] * len(sources.items), composition)
    # Targets go first, so that one that is refused costs no pixels.
    targets = None
    if with_targets and sources.readings is not None:
        targets = place_composition(sources.readings, composition, shapes, sources.names)
    result: torch.Tensor = run_composition(composition, sources.images, shapes)
    return result if targets is None else (result, targets)


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.split("\n")]


def layer_keys(keys: Keys, op: int, count: int) -> list[Keys]:
    """Keys (n, 3) for each of `count` layers, whose seeds are drawn from the keys of the outputs.

    Args:
        keys: int64 (n, 3), the key of each output.
        op: a number that separates the uses of a key.
        count: the number of layers.
    """
    seeds = np.ascontiguousarray(rng.draw_bits(keys, op, 2 * count)).view(np.int64)
    return [np.column_stack([seeds[:, layer], keys[:, 1], keys[:, 2]]) for layer in range(count)]


def layer_plan(steps: Callable[[Lowering], None], sources: Sources, numbers: Ints, begin: Pipeline) -> Plan:
    """The plan of the source images `numbers` (n,) after the steps that `steps(lowering)` adds."""
    lowering = begin.begin(sources.images.shapes[numbers], sources.images.dtype, sources.objects(numbers))
    steps(lowering)
    return lowering.finish()
