"""`MixStream`: a mix of data sets that can only be read in order, with an exact share in every run of items."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, Literal, NamedTuple, get_args

from torch.utils.data import IterableDataset, get_worker_info

from augsynth.core.checks import check_choice, check_integer
from augsynth.core.items import ItemKeys
from augsynth.data.mixing.epochs.epoch import SharedEpoch, check_epoch
from augsynth.data.mixing.epochs.processes import check_given_share
from augsynth.data.mixing.epochs.states import require_same, saved_number
from augsynth.data.mixing.items.joining import require_same_class_names
from augsynth.data.mixing.items.template import keys_of
from augsynth.data.mixing.items.weights import check_synthetic_weight
from augsynth.data.mixing.mix import Source
from augsynth.data.mixing.rule.labels import class_labels
from augsynth.data.mixing.rule.ratio import Ratios
from augsynth.data.mixing.streams.class_reader import ClassIndex, ClassReader
from augsynth.data.mixing.streams.readers import Reader, has_positions, reader, refuse_divided
from augsynth.data.mixing.streams.reading import StreamOptions, WindowReader
from augsynth.data.mixing.streams.windows import Pattern, Share
from augsynth.errors import ArgumentError, CheckpointError
from augsynth.generators.reading.keyed import with_default_keys
from augsynth.targets import field_names

StreamPairing = Literal["free", "class"]
Sharded = bool | Literal["real", "synthetic"]
_FINEST = 2**20  # largest denominator of a ratio


class MixStream(IterableDataset[Any]):
    """Real and synthetic items as one stream, with the ratio in every run of items.

    For sides that can only be read in order, such as WebDatasets; a side with positions is read in random order. Every
    real item comes once an epoch, and the synthetic side starts again when it ends. Among any L consecutive items of
    the epoch, less than one synthetic item is missing or too many.

    The stream is cut into windows. They are dealt to the processes, and to the workers of each, in turn. With
    `batch_size=window`, a DataLoader gives the same batches in the same order for any number of workers.

    Args:
        real: iterable whose `__iter__` starts anew, or map-style dataset, of `(image, label)` or dicts.
        synthetic: the same; a `SyntheticPool`, for example.
        ratio: synthetic fraction of the epoch in [0, 1): a number, one of `augsynth.data.schedules`, or a function of
            the epoch.
        pairing: "free": a synthetic item is any item; "class": it has the class of a real item of its window, in turn.
            This needs a synthetic side with positions and integer labels, and windows of at least 1 / (1 − ratio)
            items. Default "free".
        window: number of consecutive items that one worker gives, at least 1; the batch size. Default 64.
        transform: one of `augsynth.transforms`, which gets the key (seed, epoch, position); or a function of one image.
            Default None.
        seed: signed 64-bit integer, default 0.
        batched: give whole windows, for `DataLoader(batch_size=None, collate_fn=augsynth.collate)`, which copies no
            image. Default False, single items.
        sharded: the iterables give each worker of each process a part of its own, as WebDataset does: True, or "real"
            or "synthetic" for one of them. False: each worker reads all, and passes over the items of others. Default:
            False, and an iterable of WebDataset or Hugging Face in several workers is refused, because both divide
            themselves unless they are told not to.
        num_replicas, rank: number of processes that share the epoch, and number of this one; default 1 and 0. They must
            be given where `torch.distributed` runs several processes.
        drop_last: leave out windows that are not full in every process, so that all processes give equally many (unless
            `real` is sharded). Default False.
        return_source: add the `Source` to each item; of an iterable, the number in its order. Default False.
        return_weight, synthetic_weight: add a loss weight to each item; see `SyntheticMixDataset`.
        passthrough: names of fields that stay as they are; see `SyntheticMixDataset`.
        image_key, label_key: keys of the image and the label in items that are dicts; default "image" and "label".

    >>> import numpy as np
    >>> real = [(np.zeros((4, 4, 3), np.uint8), 0)] * 6
    >>> made = [(np.ones((4, 4, 3), np.uint8), 1)] * 2
    >>> [label for _, label in MixStream(real, made, ratio=0.25, window=4)]
    [0, 1, 0, 0, 0, 1, 0, 0]
    """

    def __init__(
        self,
        real: Any,
        synthetic: Any,
        *,
        ratio: Any,
        pairing: StreamPairing = "free",
        window: int = 64,
        transform: Callable[..., Any] | None = None,
        seed: int = 0,
        batched: bool = False,
        sharded: Sharded | None = None,
        num_replicas: int | None = None,
        rank: int | None = None,
        drop_last: bool = False,
        return_source: bool = False,
        return_weight: bool = False,
        synthetic_weight: float | None = None,
        passthrough: Collection[str] = (),
        image_key: str = "image",
        label_key: str = "label",
    ) -> None:
        self._ratios = Ratios(ratio, None, below_one=True)
        self.real, self.synthetic = real, synthetic
        self.window = check_integer("window", window, 1)
        check_choice("pairing", pairing, get_args(StreamPairing))
        self.pairing = pairing
        self.batched = bool(batched)
        if sharded is not None and not isinstance(sharded, bool):
            check_choice("sharded", sharded, ("real", "synthetic"))
        self._sharded = sharded
        self._given_share = check_given_share(num_replicas, rank)
        self._options = StreamOptions(
            transform,
            check_integer("seed", seed, -(2**63), expected="a signed 64-bit integer"),
            bool(drop_last),
            bool(return_weight),
            check_synthetic_weight(synthetic_weight, return_weight),
            _source if return_source else None,
            (*field_names(passthrough), *getattr(transform, "passthrough", ())),
            ItemKeys.checked(image_key, label_key),
        )
        for side in (real, *([synthetic] if self._ratios.uses[0] else [])):
            has_positions(side)
        if self._ratios.uses[0]:
            require_same_class_names(real, synthetic)
        self._pattern(0)
        self._index: ClassIndex | None = None
        if pairing == "class" and self._ratios.uses[0]:
            self._index = _indexed(synthetic, self._options.keys)
        self._epoch = SharedEpoch()
        self._start = SharedEpoch()  # first window of this process that is still to be read
        self._ended = SharedEpoch()  # how often this epoch was read to its end
        self._resume_here: _Place | None = None
        self._given = (0, 0)  # next window of this worker, and items of it that were given out

    @property
    def epoch(self) -> int:
        """The current epoch; see `set_epoch`."""
        return self._epoch.get()

    def set_epoch(self, epoch: int) -> None:
        """Go to an epoch, here and in all DataLoader workers; call it before iterating.

        `set_epoch` of the two sides is called too, if they have it, where they are read.

        Args:
            epoch: integer in [0, 2**32).
        """
        epoch = check_epoch(epoch)
        self._pattern(epoch)
        if epoch != self.epoch:
            self._start.set(0)
            self._resume_here = None
        self._given = (0, 0)
        self._ended.set(0)
        self._epoch.set(epoch)

    def state_dict(self, done: int | None = None) -> dict[str, Any]:
        """Return the epoch and how much of it is done, JSON-ready.

        Args:
            done: number of windows of this process that were trained on: batches, with `batch_size=window`. Default the
                number that this process gave out, which only it knows: give the number where workers read.
        """
        number, items = (check_integer("done", done, 0), 0) if done is not None else self._given
        return {"epoch": self.epoch, "windows": number, "items": items, **self._described(self.epoch)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue in the epoch of a state, after the windows that are done, until another epoch is set.

        An iterable is read from its start, and the items that were done are passed over. Raises `CheckpointError`, and
        changes nothing, if the state is of another stream. A state from the middle of a window, as the process has that
        read it, continues only there: without workers, or in the worker of a `StatefulDataLoader` that saved it.

        Args:
            state: result of `state_dict`, of any process.
        """
        epoch, done = saved_number(state, "epoch", 2**32), saved_number(state, "windows", 2**63)
        items = saved_number(state, "items", self.window + 1)
        require_same(state, self._described(epoch), "stream", "build the stream with the arguments it had")
        self.set_epoch(epoch)
        self._given = (done, items)
        self._resume_here = _Place(done, items, in_worker=get_worker_info() is not None)
        self._start.set(done)

    def _described(self, epoch: int) -> dict[str, Any]:
        return {
            "ratio": self._ratios.description(epoch),
            "pairing": self.pairing,
            "window": self.window,
            "seed": self._options.seed,
            "num_replicas": self._given_share[0] if self._given_share else 1,
            "sharded": self._sharded or False,
            "drop_last": self._options.drop_last,
        }

    def _pattern(self, epoch: int) -> Pattern:
        """Return the order of the two sides in an epoch; raise `ArgumentError` for a ratio of classes."""
        ratio = self._ratios.at(epoch)[0]
        if isinstance(ratio, Mapping):
            raise ArgumentError("a stream does not know the classes of items to come: give one ratio for all classes")
        fraction = Fraction(ratio).limit_denominator(_FINEST)
        real = fraction.denominator - fraction.numerator
        if self.pairing == "class" and real * self.window < fraction.denominator:
            raise ArgumentError(
                f"pairing='class' needs a real item in every window: with ratio {ratio}, window must be at least "
                f"{-(-fraction.denominator // real)}, got {self.window}"
            )
        return Pattern(fraction.numerator, fraction.denominator, self.window)

    def __iter__(self) -> Iterator[Any]:
        share = Share.of(self._given_share)
        self._warn_if_read_before(share)
        windows = self._windows(share)
        first, skipped = self._first_turn(share)
        for turn in share.turns(first):
            items = windows.read(turn)
            if items is None:
                break
            if self.batched:
                self._given = (turn + share.workers, 0)
                yield items
            else:
                yield from self._one_by_one(items, skipped, turn, share.workers)
            skipped = 0
        self._ended.set(self._ended.get() + (share.worker == 0))

    def _windows(self, share: Share) -> WindowReader:
        epoch = self.epoch
        pattern = self._pattern(epoch)
        return WindowReader(
            self._reader("real", share, epoch),
            self._reader("synthetic", share, epoch) if pattern.synthetic else None,
            pattern,
            share,
            epoch,
            self._options,
        )

    def _reader(self, name: Literal["real", "synthetic"], share: Share, epoch: int) -> Reader:
        side = getattr(self, name)
        if callable(getattr(side, "set_epoch", None)):
            side.set_epoch(epoch)
        if self._sharded is None and share.workers > 1:
            refuse_divided(side, name)
        if name == "synthetic" and self._index is not None:
            return ClassReader(side, name, self._options.seed, epoch, self._index)
        own = self._sharded is True or self._sharded == name
        return reader(side, name, seed=self._options.seed, epoch=epoch, own=own, repeats=name == "synthetic")

    def _first_turn(self, share: Share) -> tuple[int, int]:
        """Return the first window of this worker, minus the number of the worker, and items of it that were given."""
        place, self._resume_here = self._resume_here, None
        if place is None:
            return self._start.get(), 0
        if place.in_worker:
            return place.turn - share.worker, place.items
        if place.items and get_worker_info() is not None:
            raise CheckpointError(
                f"the saved state stops within a window, after {place.items} items, and workers continue at windows: "
                "save it with done=, the number of batches"
            )
        return place.turn, place.items

    def _one_by_one(self, items: Sequence[Any], skipped: int, turn: int, workers: int) -> Iterator[Any]:
        for number, item in enumerate(items):
            if number < skipped:
                continue
            last = number + 1 == len(items)
            self._given = (turn + workers, 0) if last else (turn, number + 1)
            yield item

    def _warn_if_read_before(self, share: Share) -> None:
        if share.worker == 0 and self._ended.get() == 1 and self._start.get() == 0:
            self._ended.set(2)  # the warning comes once
            warnings.warn(
                f"epoch {self.epoch} of the stream is read again without set_epoch, so that its items repeat: call "
                f"set_epoch(epoch) before each pass, or set_epoch({self.epoch}) where this is meant",
                stacklevel=3,
            )


class _Place(NamedTuple):
    """Place in a stream: the next window, items of it that were given, and whether a worker said so, of its own."""

    turn: int
    items: int
    in_worker: bool


def _indexed(synthetic: Any, keys: ItemKeys) -> ClassIndex:
    if not has_positions(synthetic) or len(synthetic) == 0:
        raise ArgumentError(
            "pairing='class' looks for synthetic items of each class, and needs a map-style dataset with items, got "
            f"{type(synthetic).__name__}: fill a SyntheticPool, or use pairing='free'"
        )
    view = with_default_keys(synthetic, keys_of(synthetic[0], keys))
    return ClassIndex.of(class_labels(view, "synthetic", progress=False))


def _source(number: int, item: int) -> Source:
    return Source(number > 0, item)
