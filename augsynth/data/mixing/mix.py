"""`SyntheticMixDataset`: real and synthetic items in one map-style dataset, at an exact ratio."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Sequence
from itertools import chain
from operator import index
from typing import Any, NamedTuple, Protocol, SupportsIndex, runtime_checkable

import numpy as np
from torch.utils.data import Dataset

from augsynth.data.mixing.batch import Batch
from augsynth.data.mixing.classes import Integers
from augsynth.data.mixing.draw import EpochDraw
from augsynth.data.mixing.epoch import SharedEpoch, check_epoch
from augsynth.data.mixing.items import Fields, ImageForm, Structure, label_like
from augsynth.data.mixing.pairing import PairingName
from augsynth.data.mixing.quota import Mode, Ratio
from augsynth.data.mixing.rule import MixRule, check_arguments, uses_synthetic
from augsynth.data.mixing.sources import as_synthetic
from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError, DataError
from augsynth.targets import all_plain, field_names


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


class SyntheticMixDataset(Dataset[Any]):
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
        check_arguments(ratio, mode, pairing, seed)
        self.real = real
        self.transform = transform
        self.return_source = return_source
        self._passthrough = frozenset((*field_names(passthrough), *getattr(transform, "passthrough", ())))
        self._inspect_real()
        self._check_transform()
        if uses_synthetic(ratio):
            synthetic = as_synthetic(
                synthetic, real, pairing=pairing, pool_size=pool_size, fit_steps=fit_steps, seed=seed
            )
        self.synthetic = synthetic
        self._rule = MixRule(real, synthetic, ratio, mode, pairing, seed)
        self._epoch = SharedEpoch()
        self._current = self._rule.draw(0)
        if self._rule.uses_synthetic:
            self._check_synthetic(synthetic[0])

    @property
    def epoch(self) -> int:
        """The current epoch; see `set_epoch`."""
        return self._epoch.get()

    @property
    def seed(self) -> int:
        return self._rule.seed

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch in [0, 2**32), here and in all DataLoader workers; call it before iterating."""
        draw = self._rule.draw(check_epoch(epoch))
        self._epoch.set(epoch)
        self._current = draw

    def source(self, position: int) -> Source:
        """Where item `position` of this epoch comes from."""
        synthetic, item = self.draw().sources(self._positions([position]))
        return Source(bool(synthetic[0]), int(item[0]))

    def draw(self) -> EpochDraw:
        """The draw of the current epoch: positions to sources and back, vectorised."""
        epoch = self._epoch.get()
        if self._current.epoch != epoch:
            self._current = self._rule.draw(epoch)
        return self._current

    def state_dict(self) -> dict[str, Any]:
        """What decides the items of this epoch; how far it was iterated is the sampler's to know."""
        rule = self._rule
        return {
            "epoch": self.epoch,
            "seed": rule.seed,
            "mode": rule.mode,
            "pairing": rule.pairing,
            "num_real": rule.num_real,
            "num_synthetic": rule.num_synthetic,
            "length": len(self),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to the epoch of `state_dict()`; raises `CheckpointError` if that was of another mix."""
        before = self.epoch
        self.set_epoch(state.get("epoch", before))
        differing = [key for key, value in self.state_dict().items() if state.get(key) != value]
        if differing:
            self.set_epoch(before)
            raise CheckpointError(
                f"the saved state is of another mix: it differs in {', '.join(differing)}; "
                "build the dataset with the arguments it had"
            )

    def __len__(self) -> int:
        return len(self.draw())

    def __getitem__(self, position: int) -> Any:
        return self.__getitems__([position])[0]

    def __getitems__(self, positions: Sequence[int]) -> Sequence[Any]:
        """The items of a batch at once: with one of `augsynth.transforms` a `Batch`, for `augsynth.collate`."""
        places = self._positions(positions)
        draw = self.draw()
        synthetic, items = (array.tolist() for array in draw.sources(places))
        images, fields = self._structure.split_all(list(map(self._load, synthetic, items)))
        if self.return_source:
            sources = map(Source, synthetic, items)
            fields = [{**field, "source": source} for field, source in zip(fields, sources, strict=True)]
        if isinstance(self.transform, KeyedTransform):
            return self._transformed(self.transform, images, fields, draw.epoch, places)
        if self.transform is not None:
            for field in fields:
                self._require_no_target(field)
            images = [self.transform(image) for image in images]
        return [self._structure.join(image, field) for image, field in zip(images, fields, strict=True)]

    def _transformed(
        self, transform: KeyedTransform, images: list[Any], fields: list[Fields], epoch: int, places: Integers
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

    def _positions(self, positions: Sequence[SupportsIndex]) -> Integers:
        array = np.array(list(map(index, positions)), np.int64)
        outside = array[(array < 0) | (array >= len(self))]
        if outside.size:
            # IndexError ends a plain `for item in dataset`.
            raise IndexError(f"the dataset has {len(self)} items in epoch {self.epoch}, got index {outside[0]}")
        return array

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

    def _check_synthetic(self, item: Any) -> None:
        image, fields = self._split_synthetic(item)
        missing = sorted(self._example.keys() - fields.keys())
        if missing and self._rule.pairing != "index":
            raise DataError(
                f"synthetic items lack {', '.join(missing)}, which real items have; give them, or use pairing='index', "
                "where a synthetic item takes them from the real one it was made from"
            )
        self._form.require_same_values(ImageForm.of(image, "synthetic"))


def _are_masks(targets: Sequence[Any]) -> bool:
    """Return whether all targets are arrays or tensors of one shape, as masks by themselves are."""
    shapes = {getattr(target, "shape", None) for target in targets}
    return len(shapes) == 1 and None not in shapes


def _takes_targets(transform: Any) -> bool:
    return isinstance(transform, KeyedTransform) and "targets" in inspect.signature(transform.batch).parameters
