"""`SyntheticMixDataset`: real and synthetic items in one map-style dataset, at an exact ratio."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple, Protocol, SupportsIndex, runtime_checkable

import numpy as np
from torch.utils.data import Dataset, Sampler

from augsynth.core.positions import Positional, as_positions
from augsynth.data.mixing.items.batch import Batch
from augsynth.data.mixing.epochs.callers import starting_sampler, share_of
from augsynth.data.mixing.rule.classes import Integers
from augsynth.data.mixing.rule.assignment import EpochAssignment
from augsynth.data.mixing.epochs.epoch import Readings, SharedEpoch, check_epoch
from augsynth.data.mixing.items.failures import each, together
from augsynth.data.mixing.items.form import Fields, ImageForm, Structure, label_like
from augsynth.data.mixing.items.joining import require_joinable
from augsynth.data.mixing.rule.pairing import PairingName
from augsynth.data.mixing.rule.quota import Mode, Ratio
from augsynth.data.mixing.rule.rule import MixRule, check_arguments, uses_synthetic
from augsynth.data.mixing.synthetic import as_synthetic
from augsynth.data.mixing.epochs.states import require_same, saved_number
from augsynth.errors import ArgumentError, ArgumentTypeError, DataError
from augsynth.targets import all_plain, field_names
from augsynth.transforms.base import Pipeline

_NAME = "the mix"


class Source(NamedTuple):
    """Where an item comes from: item number `item` of the synthetic or of the real data set."""

    synthetic: bool
    item: int


@runtime_checkable
class KeyedTransform(Protocol):
    """What the transforms of augsynth offer: a batch of images, with one random key (seed, epoch, index) each.

    It is the tensor of the images alone, or with `targets` that and a list of them.
    """

    def batch(self, images: list[Any], targets: Any = None, *, keys: Integers) -> Any: ...


class SyntheticMixDataset(Positional[Any], Dataset[Any]):
    """Real and synthetic items as one map-style dataset with an exact share of synthetic ones in every epoch.

    `docs/mixing.md` has the whole story. In short:

    * `real` gives `(image, label)` or dicts with "image"; `synthetic` is a `SyntheticPool`, any map-style dataset,
      a fitted `Generator`, or a generator's name. The last two fill a temporary pool at once, never in a worker:
      `pool_size` items (by default `len(real)`), after `fit_steps` steps of fitting on `real` for a name.
    * `ratio` is the synthetic fraction of an epoch: a number in [0, 1], one for each class (`{class: number}`; none
      for classes that are left out), or a function of the epoch that gives either. `mode="replace"` keeps
      `len(real)`: `round(ratio · len(real))` items are synthetic. `mode="extend"` keeps every real item once and
      appends s synthetic ones, s = round(ratio · (len(real) + s)).
    * `pairing="class"`: a synthetic item has the class of the real one it stands for. "index": it was made from
      that very item; synthetic items j·M … j·M+M−1 belong to real item j. "free": any.
    * `transform` is one of `augsynth.transforms`, with the key (seed, epoch, position), or a function of an image. The
      former also transform boxes, masks and keypoints, in any form that `docs/targets.md` names. What would stay
      behind is refused, unless `passthrough` names its field ("label" for the second half of a pair).
    * Which items are synthetic, and which synthetic items they are, is drawn anew for each epoch, and depends on
      (seed, epoch, position) alone. Nothing synthetic is used twice in an epoch before all that fits was used.

    Raises `ArgumentError`, `ArgumentTypeError` or `DataError` at construction if the two data sets do not fit.

    >>> real = [(np.zeros((4, 4, 3), np.uint8), label) for label in (0, 0, 1, 1)]
    >>> synthetic = [(np.ones((4, 4, 3), np.uint8), label) for label in (0, 1)]
    >>> mix = SyntheticMixDataset(real, synthetic, ratio=0.5)
    >>> len(mix), sum(int(image[0, 0, 0]) for image, _ in mix)
    (4, 2)
    """

    def __init__(
        self,
        real: Any,
        synthetic: Any,
        *,
        ratio: Ratio,
        mode: Mode = "replace",
        pairing: PairingName = "class",
        transform: Callable[..., Any] | None = None,
        seed: int = 0,
        return_source: bool = False,
        pool_size: int | None = None,
        fit_steps: int = 2000,
        passthrough: Collection[str] = (),
    ) -> None:
        # What can be refused at once is refused before a generator is fitted or sampled for minutes.
        seed = check_arguments(ratio, mode, pairing, seed)
        self.real = real
        self.transform = transform
        self.return_source = return_source
        self._passthrough = frozenset((*field_names(passthrough), *getattr(transform, "passthrough", ())))
        self._inspect_real()
        self._check_transform()
        if uses_synthetic(ratio):
            check = partial(self._check_synthetic, pairing=pairing)
            synthetic = as_synthetic(
                synthetic, real, check, pairing=pairing, pool_size=pool_size, fit_steps=fit_steps, seed=seed
            )
        self.synthetic = synthetic
        self._rule = MixRule(real, synthetic, ratio, mode, pairing, seed)
        self._epoch = SharedEpoch()
        self._current = self._rule.assignment(0)
        differing = self._rule.uses_synthetic or draws_numbers(transform)
        self._readings = Readings(len(self._current)) if differing else None
        if self._rule.uses_synthetic:
            self._check_synthetic(synthetic[0], pairing)

    @property
    def epoch(self) -> int:
        """The current epoch; see `set_epoch`."""
        return self._epoch.get()

    @property
    def seed(self) -> int:
        return self._rule.seed

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch in [0, 2**32), here and in all DataLoader workers; call it before iterating."""
        epoch = check_epoch(epoch)
        draw = self._rule.assignment(epoch)
        self._epoch.set(epoch)
        self._current = draw
        if self._readings is not None:
            self._readings.forget()

    def iteration_ended(self, before: int | None) -> int | None:
        """Note that a sampler has handed this epoch out; `before` is what this returned after its last pass.

        A second pass without `set_epoch` in between warns.
        """
        if self._readings is None:
            return None
        self._warn_if(self._readings.ended_again(before))
        return self._readings.number

    def source(self, position: SupportsIndex) -> Source:
        """Where item `position` of this epoch comes from."""
        draw = self.assignment()
        synthetic, item = draw.sources(as_positions([position], len(draw), _NAME))
        return Source(bool(synthetic[0]), int(item[0]))

    def draw(self) -> EpochAssignment:
        """The draw of the current epoch: positions to sources and back, vectorised."""
        epoch = self._epoch.get()
        if self._current.epoch != epoch:
            self._current = self._rule.assignment(epoch)
        return self._current

    def state_dict(self) -> dict[str, Any]:
        """What decides which items this epoch has, JSON-ready; how far it was read is the sampler's to know."""
        return self._state_at(self.epoch)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to the epoch of `state_dict()`; raises `CheckpointError`, and changes nothing, if that was of another mix.

        Ratio, mode, pairing, seed, the lengths of both data sets and the content of a pool must be those of the state.
        A ratio that is a function is compared by its values at epoch 0, at the powers of two, and at the current epoch.
        The transform is not compared.
        """
        epoch = saved_number(state, "epoch", 2**32)
        expected = self._state_at(epoch)
        require_same({**state, "epoch": epoch}, expected, "mix", "build the dataset with the arguments it had")
        self.set_epoch(epoch)

    def _state_at(self, epoch: int) -> dict[str, Any]:
        draw = self.assignment() if epoch == self.epoch else self._rule.assignment(epoch)
        return {"epoch": epoch, **self._rule.description(epoch), "length": len(draw)}

    def __len__(self) -> int:
        length = len(self.assignment())
        sampler = starting_sampler()
        if sampler is not None:
            self._iteration_started(sampler, length)
        return length

    def _iteration_started(self, sampler: Sampler[int], length: int) -> None:
        share = share_of(sampler, length)
        if self._readings is None:
            return
        self._warn_if(self._readings.restarted(share, length))
        ahead = getattr(sampler, "epoch", 0)
        if ahead and self._readings.left_behind():
            warnings.warn(
                f"the {type(sampler).__name__} is in epoch {ahead}, and the mix still in epoch {self.epoch}, because "
                "nothing called its set_epoch: call it too, or use MixSampler or MixBatchSampler, which call it",
                stacklevel=3,
            )

    def _item(self, position: int) -> Any:
        return self.__getitems__([position])[0]

    def __getitems__(self, positions: Sequence[SupportsIndex]) -> Sequence[Any]:
        """The items of a batch at once: with one of `augsynth.transforms` a `Batch`, for `augsynth.collate`."""
        draw = self.assignment()
        places = as_positions(positions, len(draw), _NAME)
        synthetic, items = (array.tolist() for array in draw.sources(places))

        def where(number: int) -> str:
            kind = "synthetic" if synthetic[number] else "real"
            return f"position {places[number]} of epoch {draw.epoch}, {kind} item {items[number]}"

        loaded = each(self._load, zip(synthetic, items, strict=True), where)
        if self._readings is not None:
            self._warn_if(self._readings.read_twice(places, len(draw)))
        images, fields = together(self._structure.split_all, (loaded,), where)
        if self.return_source:
            sources = map(Source, synthetic, items)
            fields = [{**field, "source": source} for field, source in zip(fields, sources, strict=True)]
        if isinstance(self.transform, KeyedTransform):
            apply = partial(self._transformed, self.transform, epoch=draw.epoch)
            return together(apply, (images, fields, places), where)
        if self.transform is not None:
            each(self._require_no_target, zip(fields, strict=True), where)
            images = each(self.transform, zip(images, strict=True), where)
        return [self._structure.join(image, field) for image, field in zip(images, fields, strict=True)]

    def _transformed(
        self, transform: KeyedTransform, images: list[Any], fields: list[Fields], places: Integers, *, epoch: int
    ) -> Batch:
        keys = np.empty((len(places), 3), np.int64)
        keys[:, 0], keys[:, 1], keys[:, 2] = self.seed, epoch, places
        if all_plain(chain.from_iterable(map(dict.values, fields))):
            return Batch(transform.batch(images, keys=keys), fields, self._structure)
        targets = [self._structure.target(field, self._passthrough) for field in fields]
        if all(target is None for target in targets):
            return Batch(transform.batch(images, keys=keys), fields, self._structure)
        if not self._moves_targets:
            raise self._left_behind()
        batch, moved = transform.batch(images, [{} if target is None else target for target in targets], keys=keys)
        results = [
            field if target is None else self._structure.with_target(field, new)
            for field, target, new in zip(fields, targets, moved, strict=True)
        ]
        return Batch(batch, results, self._structure, stacked=_are_masks(moved))

    def _load(self, synthetic: bool, item: int) -> Any:
        """An item, in the form of the real ones."""
        return self._synthetic(item) if synthetic else self.real[item]

    def _synthetic(self, item: int) -> Any:
        image, fields = self._split_synthetic(self.synthetic[item])
        if self._rule.pairing == "index" and not self._example.keys() <= fields.keys():
            partner = self._structure.split(self.real[self._rule.partner(item)])[1]
            fields = {**partner, **fields}
        kept = {name: fields[name] for name in self._example}
        if "label" in kept:
            kept["label"] = label_like(kept["label"], self._example["label"])
        return self._structure.join(self._form.convert(image), kept)

    def _split_synthetic(self, item: Any) -> tuple[Any, Fields]:
        return Structure.of(item, "synthetic").split(item)

    def _warn_if(self, again: bool) -> None:
        if again:
            warnings.warn(
                f"epoch {self.epoch} is read again without set_epoch, so that its images and their augmentation "
                "repeat bit for bit: call set_epoch(epoch) before each pass, or "
                f"set_epoch({self.epoch}) where this is meant",
                stacklevel=4,
            )

    def _inspect_real(self) -> None:
        if len(self.real) == 0:
            raise DataError("real has no items")
        item = self.real[0]
        self._structure = Structure.of(item, "real")
        if self._structure.kind == "image":
            raise ArgumentTypeError(
                f"items of real must be (image, label) or a dict with 'image', got a bare {type(item).__name__}"
            )
        image, self._example = self._structure.split(item)
        self._form = ImageForm.of(image, "real")

    def _check_transform(self) -> None:
        if self.transform is not None and not callable(self.transform):
            raise ArgumentTypeError(f"transform must be callable, got {type(self.transform).__name__}")
        self._moves_targets = _takes_targets(self.transform)
        if self.transform is not None and not self._moves_targets:
            self._require_no_target(self._example)
        elif self.transform is not None:
            self._structure.target(self._example, self._passthrough)

    def _require_no_target(self, fields: Fields) -> None:
        """Raise `ArgumentError` if a transform of the image alone would leave something behind."""
        if self._structure.target(fields, self._passthrough) is not None:
            raise self._left_behind()

    def _left_behind(self) -> ArgumentError:
        return ArgumentError(
            f"items of real hold targets ({', '.join(self._example)}), which would not move with the transformed "
            "image: use one of augsynth.transforms, transform them after the mix (transform=None), or name in "
            "passthrough the fields that shall stay as they are"
        )

    def _check_synthetic(self, item: Any, pairing: PairingName) -> None:
        image, fields = self._split_synthetic(item)
        missing = sorted(self._example.keys() - fields.keys())
        if missing and pairing != "index":
            raise DataError(
                f"synthetic items lack {', '.join(missing)}, which real items have; give them, or use pairing='index', "
                "where a synthetic item takes them from the real one it was made from"
            )
        self._form.require_same_values(ImageForm.of(image, "synthetic"))
        holds = self._structure.has_target(self._example)
        if holds != self._structure.has_target(fields):
            raise DataError(
                f"the {', '.join(self._example)} of {'real' if holds else 'synthetic'} items say where things are in "
                f"the image, those of {'synthetic' if holds else 'real'} ones do not: give both in one form"
            )
        if not holds:  # Items with boxes, masks or keypoints are collated as lists.
            require_joinable(self._example, fields)


def _are_masks(targets: Sequence[Any]) -> bool:
    """Return whether all targets are arrays or tensors of one shape, as masks by themselves are."""
    shapes = {getattr(target, "shape", None) for target in targets}
    return len(shapes) == 1 and None not in shapes


def _takes_targets(transform: Any) -> bool:
    return isinstance(transform, KeyedTransform) and "targets" in inspect.signature(transform.batch).parameters


def draws_numbers(transform: Any) -> bool:
    """Whether a transform depends on the epoch: if it takes keys, and does not say that it draws nothing from them."""
    pipeline = getattr(transform, "transform", transform)  # `Planned` and `DecodingTransform` hold one
    if isinstance(pipeline, Pipeline):
        return pipeline.draws_numbers
    return isinstance(transform, KeyedTransform)
