"""Tests with trainers: their calls at the start of an epoch reach the mix, with stand-ins and with the trainers."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures
from torch.utils.data import BatchSampler, DataLoader, DistributedSampler, IterableDataset, RandomSampler, Subset

from augsynth import transforms as T
from augsynth.data import MixBatchSampler, MixSampler, MixStream, SyntheticMixDataset, collate
from augsynth.errors import ArgumentError, ArgumentTypeError

COUNT, BATCH = 24, 6
LABELS = np.arange(COUNT) % 2


def mix() -> SyntheticMixDataset:
    return SyntheticMixDataset(
        Pictures(LABELS), Pictures(LABELS, seed=1), ratio=0.5, transform=T.RandomHorizontalFlip(), return_source=True
    )


def in_batches(data: SyntheticMixDataset, loader: Callable[..., Any] = DataLoader, **options: Any) -> Any:
    return loader(data, batch_sampler=MixBatchSampler(data, BATCH), collate_fn=collate, **options)


def by_items(data: SyntheticMixDataset, loader: Callable[..., Any] = DataLoader, **options: Any) -> Any:
    return loader(data, batch_size=BATCH, sampler=MixSampler(data), collate_fn=collate, **options)


def shuffled(data: SyntheticMixDataset, loader: Callable[..., Any] = DataLoader, **options: Any) -> Any:
    return loader(data, batch_size=BATCH, shuffle=True, collate_fn=collate, **options)


def expected(make: Callable[..., Any], epoch: int) -> list[list[int]]:
    data = mix()
    data.set_epoch(epoch)
    return [items_of(batch) for batch in make(data)]


def items_of(batch: Any) -> list[int]:
    return list(batch[2][1].tolist())


# Stand-ins ----------------------------------------------------------------------------------------------------


def as_lightning_does(loader: Any, epoch: int) -> None:
    """Lightning and Fabric tell the loader's sampler, and the sampler of its batch sampler, if they listen."""
    for sampler in (loader.sampler, getattr(loader.batch_sampler, "sampler", None)):
        listener = getattr(sampler, "set_epoch", None)
        if callable(listener):
            listener(epoch)


class Shard(BatchSampler):
    """Accelerate's part of the batches for one of several processes; it knows the batch sampler that it divides."""

    def __init__(self, batch_sampler: Any) -> None:
        self.batch_sampler = batch_sampler
        self.batch_size = batch_sampler.batch_size
        self.drop_last = batch_sampler.drop_last


def as_accelerate_does(loader: Any, batch_sampler: Any, epoch: int) -> None:
    """Accelerate tells the innermost sampler, and the data set only where there is none that listens."""
    inner = getattr(getattr(batch_sampler, "batch_sampler", batch_sampler), "sampler", None)
    if hasattr(inner, "set_epoch"):
        inner.set_epoch(epoch)
    elif hasattr(loader.dataset, "set_epoch"):
        loader.dataset.set_epoch(epoch)


@pytest.mark.parametrize("make", [in_batches, by_items])
def test_lightning_and_fabric_reach_the_mix(make: Callable[..., Any]) -> None:
    data = mix()
    as_lightning_does(make(data), 3)
    assert data.epoch == 3


@pytest.mark.parametrize("make", [in_batches, by_items, shuffled])
def test_accelerate_reaches_the_mix_in_one_process_and_in_several(make: Callable[..., Any]) -> None:
    data = mix()
    loader = make(data)
    as_accelerate_does(loader, loader.batch_sampler, 3)
    assert data.epoch == 3
    as_accelerate_does(loader, Shard(loader.batch_sampler), 4)
    assert data.epoch == 4


def test_lightning_divides_the_batches_of_several_processes() -> None:
    """It makes a batch sampler anew, with a distributed sampler in the place of the data set."""
    data = mix()
    made = MixBatchSampler(DistributedSampler(data, 2, 1), batch_size=BATCH, drop_last=False)
    assert (made.dataset, made.num_replicas, made.rank) == (data, 2, 1)
    assert list(made) == list(MixBatchSampler(data, BATCH, num_replicas=2, rank=1))
    assert isinstance(MixSampler(data), DistributedSampler)  # which it leaves alone
    subset: Any = DistributedSampler(Subset(data, range(4)), 2, 1)
    for wrong in (subset, RandomSampler(data), Pictures([0])):
        with pytest.raises(ArgumentTypeError, match="must be a SyntheticMixDataset"):
            MixBatchSampler(wrong, BATCH)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("replicas", [1, 2, 5])
def test_processes_share_an_epoch(replicas: int, drop_last: bool) -> None:
    data = mix()
    shares = [list(MixSampler(data, num_replicas=replicas, rank=rank, drop_last=drop_last)) for rank in range(replicas)]
    assert {len(share) for share in shares} == {COUNT // replicas if drop_last else -(-COUNT // replicas)}
    seen = [position for share in shares for position in share]
    assert len(set(seen)) == (len(seen) if drop_last else COUNT)
    assert all(abs(sum(data.source(p).synthetic for p in share) - len(share) / 2) < 1 for share in shares)
    before = shares[0]
    data.set_epoch(1)
    assert list(MixSampler(data, num_replicas=replicas, rank=0, drop_last=drop_last)) != before


def test_a_sampler_that_is_not_told_who_divides_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
    for ask in (len, list):
        with pytest.raises(ArgumentError, match="2 processes run: give MixSampler num_replicas and rank"):
            ask(MixSampler(mix()))
    assert len(MixSampler(mix(), num_replicas=1, rank=0)) == COUNT
    assert len(MixSampler(mix(), num_replicas=2, rank=1)) == COUNT // 2
    with pytest.raises(ArgumentError, match="go together"):
        MixSampler(mix(), rank=0)


# The trainers themselves --------------------------------------------------------------------------------------


class Stop(Exception):
    """A crash in the middle of an epoch."""


def lightning_module(stop_at: int | None = None) -> Any:
    lightning = pytest.importorskip("lightning")

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.seen: list[tuple[int, int, list[int]]] = []

        def training_step(self, batch: Any, number: int) -> torch.Tensor:
            self.seen.append((self.current_epoch, number, items_of(batch)))
            result: torch.Tensor = self.layer(batch[0].float().mean((1, 2, 3))[:, None]).mean()
            return result

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), 0.1)

        def on_train_batch_end(self, *args: Any) -> None:
            if self.global_step == stop_at:
                self.save()

        def on_train_epoch_end(self) -> None:
            if self.current_epoch == 0 and stop_at is None:
                self.save()

        def save(self) -> None:
            self.trainer.save_checkpoint(Path(self.trainer.default_root_dir) / "stopped.ckpt")

    return Module()


def fit(folder: Path, loader: Any, stop_at: int | None = None, resume: bool = False) -> list[Any]:
    lightning = pytest.importorskip("lightning")
    module = lightning_module(stop_at)
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = lightning.Trainer(max_epochs=3, default_root_dir=folder, enable_model_summary=False, **options)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        if callable(loader):
            module.train_dataloader = lambda: loader(trainer.fit_loop.epoch_progress.current.processed)
        ckpt_path = folder / "stopped.ckpt" if resume else None
        trainer.fit(module, None if callable(loader) else loader, ckpt_path=ckpt_path)
    return list(module.seen)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("make", [in_batches, by_items])
def test_lightning_advances_and_resumes(make: Callable[..., Any], workers: int, tmp_path: Path) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader").StatefulDataLoader
    whole = [(epoch, number, batch) for epoch in range(3) for number, batch in enumerate(expected(make, epoch))]
    options = {"loader": stateful, "num_workers": workers}
    assert fit(tmp_path, make(mix(), **options), stop_at=6) == whole
    assert fit(tmp_path, make(mix(), **options), resume=True) == whole[6:]


def test_lightning_resumes_with_a_plain_loader_in_the_right_epoch_or_not_at_all(tmp_path: Path) -> None:
    fit(tmp_path, in_batches(mix(), num_workers=2), stop_at=6)
    seen = fit(tmp_path, in_batches(mix()), resume=True)
    assert [batch for epoch, _, batch in seen if epoch == 1] == expected(in_batches, 1)[:2]
    assert [batch for epoch, _, batch in seen if epoch == 2] == expected(in_batches, 2)
    with pytest.raises(ArgumentError, match=r"middle of a pass over epoch 0.*Lightning"):
        fit(tmp_path, in_batches(mix(), num_workers=2), resume=True)


@pytest.mark.parametrize(("stop_at", "left"), [(None, 4), (6, 2)])
def test_lightning_resumes_with_workers_where_the_loader_is_made_for_the_epoch(
    stop_at: int | None, left: int, tmp_path: Path
) -> None:
    def loader(epoch: int) -> Any:
        data = mix()
        data.set_epoch(epoch)
        return in_batches(data, num_workers=2)

    fit(tmp_path, loader, stop_at=stop_at)
    seen = fit(tmp_path, loader, resume=True)
    assert [batch for epoch, _, batch in seen if epoch == 1] == expected(in_batches, 1)[:left]
    assert [batch for epoch, _, batch in seen if epoch == 2] == expected(in_batches, 2)


@pytest.mark.parametrize("make", [in_batches, by_items])
def test_fabric_advances(make: Callable[..., Any]) -> None:
    fabric = pytest.importorskip("lightning").Fabric(accelerator="cpu", devices=1)
    loader = fabric.setup_dataloaders(make(mix()))
    assert [[items_of(batch) for batch in loader] for _ in range(3)] == [expected(make, epoch) for epoch in range(3)]


class Ordered(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(Pictures(LABELS))


def streamed(data: MixStream, loader: Callable[..., Any] = DataLoader, **options: Any) -> Any:
    return loader(data, batch_size=BATCH, collate_fn=collate, **options)


def stream() -> MixStream:
    return MixStream(Ordered(), Pictures(LABELS, seed=1), ratio=0.5, window=BATCH, return_source=True)


def test_lightning_reads_a_stream_whose_epoch_the_module_sets(tmp_path: Path) -> None:
    lightning = pytest.importorskip("lightning")
    data = stream()

    class Callback(lightning.Callback):  # type: ignore[misc, name-defined]
        def on_train_epoch_start(self, trainer: Any, module: Any) -> None:
            data.set_epoch(trainer.current_epoch)

    module = lightning_module(stop_at=-1)
    options = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "accelerator": "cpu"}
    trainer = lightning.Trainer(
        max_epochs=3, default_root_dir=tmp_path, enable_model_summary=False, callbacks=[Callback()], **options
    )
    trainer.fit(module, streamed(data))
    expected = []
    for epoch in range(3):
        other = stream()
        other.set_epoch(epoch)
        expected.append([items_of(batch) for batch in streamed(other)])
    assert [batch for _, _, batch in module.seen] == [batch for epoch in expected for batch in epoch]
    assert len({tuple(map(tuple, epoch)) for epoch in expected}) == 3


def test_accelerate_advances_a_stream() -> None:
    prepare = pytest.importorskip("accelerate.data_loader").prepare_data_loader
    data = stream()
    loader = prepare(streamed(data), num_processes=1, process_index=0)
    epochs = []
    for _ in range(3):
        epochs += [data.epoch for _ in loader]
    assert epochs == [epoch for epoch in range(3) for _ in range(2 * COUNT // BATCH)]


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("make", [in_batches, by_items, shuffled])
def test_accelerate_advances(make: Callable[..., Any], processes: int) -> None:
    prepare = pytest.importorskip("accelerate.data_loader").prepare_data_loader
    data = mix()
    loader = prepare(make(data), num_processes=processes, process_index=0)
    epochs = []
    for _ in range(3):
        epochs += [data.epoch for _ in loader]
    assert epochs == [epoch for epoch in range(3) for _ in range(COUNT // BATCH // processes)]


def test_the_hugging_face_trainer_advances_and_resumes(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("accelerate")
    items = [{"image": image, "label": label} for image, label in Pictures(LABELS)]

    class Model(torch.nn.Module):
        def __init__(self, data: SyntheticMixDataset) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(1, 1)
            self.data, self.epochs = data, list[int]()

        def forward(self, image: torch.Tensor, label: torch.Tensor) -> dict[str, torch.Tensor]:
            self.epochs.append(self.data.epoch)
            return {"loss": self.layer(image.float().mean((1, 2, 3))[:, None]).mean()}

    class Trainer(transformers.Trainer):  # type: ignore[misc, name-defined]
        def _get_train_sampler(self, *args: Any) -> MixSampler:
            return MixSampler(self.train_dataset)

    def train(kind: Any, resume: bool) -> list[int]:
        model = Model(SyntheticMixDataset(items, items, ratio=0.5))
        options = {"use_cpu": True, "report_to": [], "disable_tqdm": True, "save_steps": 6, "num_train_epochs": 3}
        arguments = transformers.TrainingArguments(
            tmp_path, per_device_train_batch_size=BATCH, remove_unused_columns=False, **options
        )
        trainer = kind(model=model, args=arguments, train_dataset=model.data, data_collator=collate)
        trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-6") if resume else None)
        return model.epochs

    whole = [epoch for epoch in range(3) for _ in range(COUNT // BATCH)]
    assert train(transformers.Trainer, resume=False) == whole
    assert train(Trainer, resume=False) == whole
    assert train(Trainer, resume=True) == whole[6:]
