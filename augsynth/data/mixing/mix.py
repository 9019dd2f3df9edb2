"""`SyntheticMixDataset`: real and synthetic items in one map-style dataset, at an exact ratio."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, SupportsIndex

from torch.utils.data import Dataset, Sampler

from augsynth.core.items import ItemKeys
from augsynth.core.positions import Positional, as_positions
from augsynth.data.mixing.additions import ItemAdditions, LabelVectors
from augsynth.data.mixing.epochs.callers import share_of, starting_sampler
from augsynth.data.mixing.epochs.epoch import Readings, SharedEpoch, check_epoch
from augsynth.data.mixing.epochs.states import require_same, saved_number
from augsynth.data.mixing.items.failures import located, together
from augsynth.data.mixing.items.soft_labels import SoftLabels, require_soft_labels
from augsynth.data.mixing.items.template import ItemTemplate
from augsynth.data.mixing.items.transforming import ItemTransform, batch_keys
from augsynth.data.mixing.items.weights import check_synthetic_weight
from augsynth.data.mixing.rule.arguments import Balance, MixArguments
from augsynth.data.mixing.rule.assignment import EpochAssignment
from augsynth.data.mixing.rule.label_space import JointLabels, LabelMap, LabelSpace
from augsynth.data.mixing.rule.pairing import PairingName
from augsynth.data.mixing.rule.quota import Mode
from augsynth.data.mixing.rule.ratio import Ratio
from augsynth.data.mixing.rule.rule import MixRule
from augsynth.data.mixing.synthetic import Filling, as_sides
from augsynth.generators.reading.keyed import with_default_keys
from augsynth.targets import field_names


class Source(NamedTuple):
    """Source of an item of a mix with one synthetic source.

    Args:
        synthetic: whether the item comes from the synthetic data set, and not from the real one.
        item: position in that data set.
    """

    synthetic: bool
    item: int

    @property
    def name(self) -> str:
        """Name of the data set: "synthetic" or "real"."""
        return "synthetic" if self.synthetic else "real"


class NamedSource(NamedTuple):
    """Source of an item of a mix with several synthetic sources.

    Args:
        synthetic: whether the item comes from a synthetic data set, and not from the real one.
        item: position in that data set.
        name: name of the synthetic source, or "real".
    """

    synthetic: bool
    item: int
    name: str


class SyntheticMixDataset(Positional[Any], Dataset[Any]):
    """Real and synthetic items as one map-style dataset with an exact share of synthetic ones in every epoch.

    The items of an epoch are drawn anew for each epoch. They depend on (seed, epoch, position) alone. No synthetic item
    is used twice in an epoch while another one that fits is unused. `docs/mixing.md` has the details.

    Args:
        real: map-style dataset of `(image, label)`, or of dicts (see `image_key`).
        synthetic: a `SyntheticPool`, any map-style dataset, a fitted `Generator`, or the name of a generator; or
            `{name: source}` with several of these. Generators fill temporary pools at once, never in a worker. A source
            whose ratio is 0 is not used.
        ratio: synthetic fraction of an epoch: a number in [0, 1], one of `augsynth.data.schedules`, `{class: number or
            schedule}` (a class that is not listed has none), or a function of the epoch that returns a number or
            `{class: number}`. With several sources, `{name: ratio}` with the names of `synthetic`, or a function that
            returns this; they add up to at most 1. In mode "extend" below 1.
        mode: "replace" keeps `len(real)` items, of which `round(ratio · len(real))` are synthetic; "extend" keeps every
            real item and appends s synthetic ones, s = round(ratio · (len(real) + s)). Default "replace".
        pairing: "class": a synthetic item has the class of the real one that it stands for; "index": it was made from
            this item, and items j·M … j·M + M − 1 belong to real item j; "free": any. Default "class".
        label_map: map of the labels of `synthetic` into the labels of the mix, `{label: joint label}`, or "names" to
            match class names; with several sources `{name: map}`. A source that is led to classes which real lacks is
            auxiliary: its items pair with nothing, and its classes have equally many; see `label_space`. Default None.
        balance: "classes" gives all classes equally many real items, which may repeat, and equally many synthetic ones.
            Default None.
        fill_to: number of items that each class is brought to with synthetic ones, in place of `ratio`; classes with
            more keep all. Of several sources, those that have a class fill it with equally many. Default None.
        max_repeats: how often an epoch may use one synthetic item; an epoch that needs more is refused with
            `DataError`. Default None, no limit.
        transform: one of `augsynth.transforms`, which gets the key (seed, epoch, position) and also moves boxes, masks
            and keypoints; or a function of one image. Default None.
        seed: signed 64-bit integer, default 0.
        return_source: add the `Source` to each item, or with several sources the `NamedSource`. Default False.
        return_weight: add a loss weight to each item, a float32 before the source; "weight" in a dict. Default False.
        synthetic_weight: α in [0, 1]: with n real and m synthetic items in an epoch, the mean of weight · loss is
            (1 − α)/n · Σ real + α/m · Σ synthetic. Default: the share of synthetic items, so that all weights are 1.
        soft_labels: `SoftLabels` for items that were varied with a strength: labels become float32 vectors (K,), real
            and synthetic alike. It needs pairing "index". Default None.
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

    _name: ClassVar[str] = "the mix"
    _takes_bare_images: ClassVar[bool] = False

    def __init__(
        self,
        real: Any,
        synthetic: Any,
        *,
        ratio: Ratio | None = None,
        mode: Mode = "replace",
        pairing: PairingName = "class",
        label_map: LabelMap | Mapping[str, LabelMap] | None = None,
        balance: Balance | None = None,
        fill_to: int | None = None,
        max_repeats: int | None = None,
        transform: Callable[..., Any] | None = None,
        seed: int = 0,
        return_source: bool = False,
        return_weight: bool = False,
        synthetic_weight: float | None = None,
        soft_labels: SoftLabels | None = None,
        pool_size: int | None = None,
        fit_steps: int = 2000,
        passthrough: Collection[str] = (),
        image_key: str = "image",
        label_key: str = "label",
        progress: bool = True,
    ) -> None:
        # Checks come before a generator is fitted or sampled, which may take minutes.
        arguments = MixArguments.of(
            synthetic,
            ratio=ratio,
            mode=mode,
            pairing=pairing,
            seed=seed,
            balance=balance,
            fill_to=fill_to,
            max_repeats=max_repeats,
            label_map=label_map,
        )
        synthetic_weight = check_synthetic_weight(synthetic_weight, return_weight)
        if soft_labels is not None:
            require_soft_labels(soft_labels, pairing)
        self.real = real
        self.transform = transform
        self.return_source = return_source
        self.return_weight = return_weight
        keys = ItemKeys.checked(image_key, label_key)
        passing = (*field_names(passthrough), *getattr(transform, "passthrough", ()))
        if soft_labels is not None:  # a vector of the whole picture, not one entry for each of its boxes
            passing = (*passing, keys.label)
        self._template = ItemTemplate(real, passing, keys, bare=self._takes_bare_images)
        real = with_default_keys(real, keys)
        self._transform = ItemTransform(transform, self._template)
        side = as_sides(synthetic, real, self._template, arguments, Filling(pool_size, fit_steps, progress))
        self.synthetic = side.given
        self._sources = side.sources
        self._space = side.space
        self._has_partners = pairing == "index"
        self._names = ("real", *(source.name for source in side.sources)) if arguments.names else None
        self._rule = MixRule(real, side.sources, arguments, progress=progress)
        self._epoch = SharedEpoch()
        self._current = self._rule.assignment(0)
        epochs_differ = self._rule.epochs_differ or self._transform.draws_numbers
        self._readings = Readings(len(self._current)) if epochs_differ else None
        for source in side.sources:
            self._template.check_synthetic(source.data[0], "class" if source.auxiliary else pairing)
        soft = None
        if soft_labels is not None:
            rule, sources = self._rule, side.sources
            count = self._num_classes
            soft = LabelVectors(soft_labels, real, self._template, rule, sources, count, progress)
        source_of = self._source if return_source else None
        self._additions = ItemAdditions(self._template, soft, return_weight, synthetic_weight, source_of)
        self._leaves_all = self._transform.leaves_all and self._additions.adds_none

    @property
    def epoch(self) -> int:
        """The current epoch; see `set_epoch`."""
        return self._epoch.get()

    @property
    def seed(self) -> int:
        """The seed that decides all random choices."""
        return self._rule.seed

    @property
    def label_space(self) -> LabelSpace:
        """The joint labels: the classes of `real`, and those that auxiliary sources add.

        Without a `label_map` it is read from `real` when it is asked for.
        """
        if self._space is None:
            view = with_default_keys(self.real, self._template.structure.keys)
            self._space = JointLabels(view, progress=False).space()
        return self._space

    def _num_classes(self) -> int:
        return self.label_space.num_classes

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, here and in all DataLoader workers; call it before iterating.

        Synthetic sources that have epochs, such as a `RefreshingPool`, go to it as well.

        Args:
            epoch: integer in [0, 2**32).
        """
        epoch = check_epoch(epoch)
        assignment = self._rule.assignment(epoch)
        for source in self._sources:
            if hasattr(source.data, "set_epoch"):
                source.data.set_epoch(epoch)
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

    def source(self, position: SupportsIndex) -> Source | NamedSource:
        """Return the source of the item at a position of this epoch."""
        assignment = self.assignment()
        numbers, items = assignment.sources(as_positions([position], len(assignment), self._name))
        return self._source(int(numbers[0]), int(items[0]))

    def _source(self, number: int, item: int) -> Source | NamedSource:
        """Return the source with a number of the assignment: 0 is real, k + 1 is synthetic source k."""
        return NamedSource(number > 0, item, self._names[number]) if self._names else Source(number > 0, item)

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

        All arguments that decide the items, the lengths of the data sets and the content of pools must be those of the
        state. A ratio that is a function is compared by its values at epoch 0, at the powers of two, and at the current
        epoch; a schedule by its parameters. The transform is not compared.

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
        rows = as_positions(positions, len(assignment), self._name)
        numbers, items = (array.tolist() for array in assignment.sources(rows))

        def where(row: int) -> str:
            number = numbers[row]
            kind = self._sources[number - 1].words if number else "real"
            return f"position {rows[row]} of epoch {assignment.epoch}, {kind} item {items[row]}"

        loaded = self._loaded(numbers, items, where)
        if self._readings is not None:
            self._warn_if(self._readings.read_twice(rows, len(assignment)))
        if self._leaves_all and set(map(type, loaded)) == {tuple}:
            return loaded
        images, fields = together(self._template.structure.split_all, (loaded,), where)
        added = self._additions.of(len(assignment), assignment.num_synthetic, numbers, items, fields, where)
        return self._transform.apply(images, fields, batch_keys(self.seed, assignment.epoch, rows), where, added)

    def _loaded(self, numbers: Sequence[int], items: Sequence[int], where: Callable[[int], str]) -> list[Any]:
        """Return items in the form of the real ones."""
        real, loaded = self.real, []
        try:
            for number, item in zip(numbers, items, strict=True):
                loaded.append(self._synthetic(number - 1, item) if number else real[item])
        except Exception as error:
            raise located(error, where(len(loaded))) from error
        return loaded

    def _synthetic(self, source: int, position: int) -> Any:
        item = self._sources[source].data[position]
        if not self._has_partners or self._template.has_all_fields(item):
            return self._template.convert(item)
        partner = self._rule.partner(source, position)
        return self._template.convert(item, None if partner is None else self.real[partner])

    def _warn_if(self, again: bool) -> None:
        if again:
            warnings.warn(
                f"epoch {self.epoch} is read again without set_epoch, so that its images and their augmentation "
                "repeat bit for bit: call set_epoch(epoch) before each pass, or "
                f"set_epoch({self.epoch}) where this is meant",
                stacklevel=4,
            )
