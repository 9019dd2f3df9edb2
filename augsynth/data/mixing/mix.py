"""`SyntheticMixDataset`: real and synthetic items in one map-style dataset, at an exact ratio."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, SupportsIndex

from torch.utils.data import Dataset, Sampler

from augsynth.core.items import ItemKeys
from augsynth.core.positions import Positional, as_positions
from augsynth.data.mixing.epochs.callers import share_of, starting_sampler
from augsynth.data.mixing.epochs.epoch import Readings, SharedEpoch, check_epoch
from augsynth.data.mixing.epochs.states import require_same, saved_number
from augsynth.data.mixing.items.failures import each, together
from augsynth.data.mixing.items.joining import require_same_class_names
from augsynth.data.mixing.items.template import ItemTemplate
from augsynth.data.mixing.items.transforming import ItemTransform, batch_keys
from augsynth.data.mixing.rule.assignment import EpochAssignment
from augsynth.data.mixing.rule.pairing import PairingName
from augsynth.data.mixing.rule.quota import Mode, Ratio
from augsynth.data.mixing.rule.rule import MixRule, check_arguments, uses_synthetic
from augsynth.data.mixing.synthetic import as_synthetic
from augsynth.generators.reading.keyed import with_default_keys
from augsynth.targets import field_names

_NAME = "the mix"


class Source(NamedTuple):
    """Source of an item of a mix.

    Args:
        synthetic: whether the item comes from the synthetic data set, and not from the real one.
        item: position in that data set.
    """

    synthetic: bool
    item: int


class SyntheticMixDataset(Positional[Any], Dataset[Any]):
    """Real and synthetic items as one map-style dataset with an exact share of synthetic ones in every epoch.

    The items of an epoch are drawn anew for each epoch. They depend on (seed, epoch, position) alone. No synthetic item
    is used twice in an epoch while another one that fits is unused. `docs/mixing.md` has the details.

    Args:
        real: map-style dataset of `(image, label)`, or of dicts (see `image_key`).
        synthetic: a `SyntheticPool`, any map-style dataset, a fitted `Generator`, or the name of a generator. The last
            two fill a temporary pool at once, never in a worker. It is not used if `ratio` is 0.
        ratio: synthetic fraction of an epoch: a number in [0, 1], `{class: number}` (a class that is not listed has
            none), or a function of the epoch that returns one of these. In mode "extend" below 1.
        mode: "replace" keeps `len(real)` items, of which `round(ratio · len(real))` are synthetic; "extend" keeps every
            real item and appends s synthetic ones, s = round(ratio · (len(real) + s)). Default "replace".
        pairing: "class": a synthetic item has the class of the real one that it stands for; "index": it was made from
            this item, and items j·M … j·M + M − 1 belong to real item j; "free": any. Default "class".
        transform: one of `augsynth.transforms`, which gets the key (seed, epoch, position) and also moves boxes, masks
            and keypoints; or a function of one image. Default None.
        seed: signed 64-bit integer, default 0.
        return_source: add the `Source` to each item. Default False.
        pool_size: number of samples that a generator draws; default `len(real)`.
        fit_steps: steps of fitting on `real`, for a generator that is given by name; default 2,000.
        passthrough: names of fields that stay as they are, where a target that would not move with its image is refused
            otherwise; "label" is the second half of a pair. Default none.
        image_key, label_key: keys of the image and the label in real items that are dicts; default "image" and "label".
            Synthetic items may be pairs, or dicts with these keys or with the default ones.
        progress: True (default) shows progress bars of long work: reading labels, and fitting and sampling a generator.

    Raises `ArgumentError`, `ArgumentTypeError` or `DataError` at construction if the two data sets do not fit, also if
    both name their classes and a label means two names.

    >>> import numpy as np
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
        image_key: str = "image",
        label_key: str = "label",
        progress: bool = True,
    ) -> None:
        # Checks come before a generator is fitted or sampled, which may take minutes.
        seed = check_arguments(ratio, mode, pairing, seed)
        self.real = real
        self.transform = transform
        self.return_source = return_source
        keys = ItemKeys.checked(image_key, label_key)
        self._template = ItemTemplate(real, (*field_names(passthrough), *getattr(transform, "passthrough", ())), keys)
        real = with_default_keys(real, keys)
        self._transform = ItemTransform(transform, self._template)
        if uses_synthetic(ratio):
            require_same_class_names(real, self._template.with_default_keys(synthetic))
            check = partial(self._template.check_synthetic, pairing=pairing)
            sizes: dict[str, Any] = {"pool_size": pool_size, "fit_steps": fit_steps}
            synthetic = as_synthetic(synthetic, real, check, pairing=pairing, seed=seed, progress=progress, **sizes)
        self.synthetic = synthetic
        labelled = self._template.with_default_keys(synthetic)
        self._rule = MixRule(real, labelled, ratio, mode, pairing, seed, progress=progress)
        self._epoch = SharedEpoch()
        self._current = self._rule.assignment(0)
        epochs_differ = self._rule.uses_synthetic or self._transform.draws_numbers
        self._readings = Readings(len(self._current)) if epochs_differ else None
        if self._rule.uses_synthetic:
            self._template.check_synthetic(synthetic[0], pairing)

    @property
    def epoch(self) -> int:
        """The current epoch; see `set_epoch`."""
        return self._epoch.get()

    @property
    def seed(self) -> int:
        """The seed that decides all random choices."""
        return self._rule.seed

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, here and in all DataLoader workers; call it before iterating.

        Args:
            epoch: integer in [0, 2**32).
        """
        epoch = check_epoch(epoch)
        assignment = self._rule.assignment(epoch)
        self._epoch.set(epoch)
        self._current = assignment
        if self._readings is not None:
            self._readings.forget()

    def iteration_ended(self, before: int | None) -> int | None:
        """Note that a sampler has given out this epoch, and warn if it had done so before.

        Args:
            before: result of this method after the sampler's last iteration; None for the first.
        """
        if self._readings is None:
            return None
        self._warn_if(self._readings.ended_again(before))
        return self._readings.number

    def source(self, position: SupportsIndex) -> Source:
        """Return the source of the item at a position of this epoch."""
        assignment = self.assignment()
        synthetic, item = assignment.sources(as_positions([position], len(assignment), _NAME))
        return Source(bool(synthetic[0]), int(item[0]))

    def assignment(self) -> EpochAssignment:
        """Return the sources of all positions of the current epoch."""
        epoch = self._epoch.get()
        if self._current.epoch != epoch:
            self._current = self._rule.assignment(epoch)
        return self._current

    def state_dict(self) -> dict[str, Any]:
        """Return all that decides the items of this epoch, JSON-ready; samplers keep how far it was read."""
        return self._state_at(self.epoch)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to the epoch of a state; raise `CheckpointError`, and change nothing, if it is of another mix.

        Ratio, mode, pairing, seed, the lengths of both data sets and the content of a pool must be those of the state.
        A ratio that is a function is compared by its values at epoch 0, at the powers of two, and at the current epoch.
        The transform is not compared.

        Args:
            state: result of `state_dict`.
        """
        epoch = saved_number(state, "epoch", 2**32)
        expected = self._state_at(epoch)
        require_same({**state, "epoch": epoch}, expected, "mix", "build the dataset with the arguments it had")
        self.set_epoch(epoch)

    def _state_at(self, epoch: int) -> dict[str, Any]:
        assignment = self.assignment() if epoch == self.epoch else self._rule.assignment(epoch)
        return {"epoch": epoch, **self._rule.description(epoch), "length": len(assignment)}

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
        self._warn_if(self._readings.started_again(share, length))
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
        """Return the items of a batch: with one of `augsynth.transforms` a `Batch`, for `augsynth.collate`."""
        assignment = self.assignment()
        rows = as_positions(positions, len(assignment), _NAME)
        synthetic, items = (array.tolist() for array in assignment.sources(rows))

        def where(number: int) -> str:
            kind = "synthetic" if synthetic[number] else "real"
            return f"position {rows[number]} of epoch {assignment.epoch}, {kind} item {items[number]}"

        loaded = each(self._load, zip(synthetic, items, strict=True), where)
        if self._readings is not None:
            self._warn_if(self._readings.read_twice(rows, len(assignment)))
        images, fields = together(self._template.structure.split_all, (loaded,), where)
        if self.return_source:
            sources = map(Source, synthetic, items)
            fields = [{**field, "source": source} for field, source in zip(fields, sources, strict=True)]
        return self._transform.apply(images, fields, batch_keys(self.seed, assignment.epoch, rows), where)

    def _load(self, synthetic: bool, number: int) -> Any:
        """Return an item in the form of the real ones."""
        if not synthetic:
            return self.real[number]
        item = self.synthetic[number]
        partner = None
        if self._rule.pairing == "index" and not self._template.has_all_fields(item):
            partner = self.real[self._rule.partner(number)]
        return self._template.convert(item, partner)

    def _warn_if(self, again: bool) -> None:
        if again:
            warnings.warn(
                f"epoch {self.epoch} is read again without set_epoch, so that its images and their augmentation "
                "repeat bit for bit: call set_epoch(epoch) before each pass, or "
                f"set_epoch({self.epoch}) where this is meant",
                stacklevel=4,
            )
