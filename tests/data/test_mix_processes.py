"""Two processes of torch.distributed: no item comes twice, none is missing, also in epochs of changing length."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch.distributed
import torch.multiprocessing
from mixing_toys import Pictures
from torch.utils.data import DataLoader, DistributedSampler, IterableDataset

from augsynth.data import AugmentedDataset, MixBatchSampler, MixSampler, MixStream, SyntheticMixDataset, collate

COUNT, PROCESSES = 24, 2
LABELS = np.arange(COUNT) % 3


def growing_ratio(epoch: int) -> float:
    return 0.5 if epoch else 0.25


class Ordered(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return iter(Pictures(LABELS))  # in 8 windows in epoch 0, and 12 in epoch 1


def mix(**options: Any) -> SyntheticMixDataset:
    options = {"ratio": growing_ratio, "mode": "extend", "return_source": True, **options}
    return SyntheticMixDataset(Pictures(LABELS), Pictures(LABELS, seed=1), **options)


def distributed(rank: int) -> Any:
    data = mix(ratio=0.5, mode="replace")
    sampler: Any = DistributedSampler(data)  # asks torch.distributed for the processes
    return data, sampler, DataLoader(data, 4, sampler=sampler, collate_fn=collate)


def by_items(rank: int) -> Any:
    data = mix()
    sampler = MixSampler(data, num_replicas=PROCESSES, rank=rank)
    return data, sampler, DataLoader(data, 4, sampler=sampler, collate_fn=collate)


def in_batches(rank: int) -> Any:
    data = mix()
    sampler = MixBatchSampler(data, 4, num_replicas=PROCESSES, rank=rank)
    return data, sampler, DataLoader(data, batch_sampler=sampler, collate_fn=collate)


def augmented(rank: int) -> Any:
    data = AugmentedDataset([(image, (False, k)) for k, (image, _) in enumerate(Pictures(LABELS))], None)
    sampler = MixSampler(data, num_replicas=PROCESSES, rank=rank)
    return data, sampler, DataLoader(data, 4, sampler=sampler, collate_fn=collate)


def streamed(rank: int) -> Any:
    data = MixStream(
        Ordered(),
        Pictures(np.zeros(200), seed=1),
        ratio=growing_ratio,
        window=4,
        num_replicas=PROCESSES,
        rank=rank,
        return_source=True,
    )
    return data, data, DataLoader(data, 4, collate_fn=collate)


WAYS = (distributed, by_items, in_batches, augmented, streamed)


def read(rank: int, folder: str) -> None:
    """Read two epochs in each way, and check with the other process that all batches could be trained on together."""
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=PROCESSES)
    seen: dict[str, Any] = {}
    for way in WAYS:
        data, listener, loader = way(rank)
        for epoch in range(2):
            for one in {id(one): one for one in (data, listener)}.values():
                one.set_epoch(epoch)
            batches = [list(zip(*(column.tolist() for column in batch[-1]), strict=True)) for batch in loader]
            seen[f"{way.__name__} {epoch}"] = batches
    torch.distributed.barrier()
    (Path(folder) / f"{rank}.json").write_text(json.dumps(seen))
    torch.distributed.destroy_process_group()


def test_two_processes_share_every_epoch(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(read, (str(tmp_path),), nprocs=PROCESSES)
    parts = [json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(PROCESSES)]
    for way in WAYS:
        for epoch in range(2):
            shares = [part[f"{way.__name__} {epoch}"] for part in parts]
            items = [tuple(item) for share in shares for batch in share for item in batch]
            assert len(items) == len(set(items)), way  # no real and no synthetic item twice
            real = sorted(number for synthetic, number in items if not synthetic)
            if way is distributed:
                assert len(real) == len(items) // 2 == COUNT // 2
            else:
                assert real == list(range(COUNT))
            if way in (by_items, in_batches):
                assert len(items) == (COUNT * 2 if epoch else COUNT * 4 // 3)
            assert len(shares[0]) == len(shares[1]), way
