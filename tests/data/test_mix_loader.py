"""The same epoch from a DataLoader whatever its workers, start method, batch size and persistence."""

from __future__ import annotations

import copy
import hashlib
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from mixing_toys import Pictures, falling_ratio, toy_generator
from torch.utils.data import DataLoader, DistributedSampler, Subset

from augsynth import transforms as T
from augsynth.data import SyntheticMixDataset, SyntheticPool, collate
from augsynth.engine.memory import OutgoingBatch

LABELS = np.arange(23) % 4
TRANSFORM = T.Compose([T.RandomRotation(20), T.GaussianNoise(sigma=3.0)])


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> SyntheticPool:
    return SyntheticPool.create(tmp_path_factory.mktemp("pool"), toy_generator(), 40, shard_size=16, progress=False)


def mixed(pool: SyntheticPool, **options: Any) -> SyntheticMixDataset:
    options = {"ratio": falling_ratio, "transform": TRANSFORM, "seed": 3, "return_source": True, **options}
    return SyntheticMixDataset(Pictures(LABELS), pool, **options)


def digest(batches: Any) -> str:
    """SHA-256 of all images, labels and sources in their order, wherever batches are cut."""
    columns = zip(*((images, labels, *source) for images, labels, source in batches), strict=True)
    joined = [torch.cat(column).numpy().tobytes() for column in columns]
    return hashlib.sha256(b"|".join(joined)).hexdigest()


def expected(pool: SyntheticPool, epoch: int, **options: Any) -> str:
    dataset = mixed(pool, **options)
    dataset.set_epoch(epoch)
    items = [dataset[position] for position in range(len(dataset))]
    return digest(
        [(image[None], torch.tensor([label]), map(torch.tensor, zip(source))) for image, label, source in items]
    )


@pytest.mark.parametrize("batch_size", [1, 7, 64])
@pytest.mark.parametrize("workers", [0, 1, 2])
def test_workers_and_batch_sizes_change_nothing(pool: SyntheticPool, workers: int, batch_size: int) -> None:
    dataset = mixed(pool, mode="extend")
    context = "fork" if workers else None
    loader = DataLoader(dataset, batch_size, num_workers=workers, collate_fn=collate, multiprocessing_context=context)
    dataset.set_epoch(1)
    assert digest(loader) == expected(pool, 1, mode="extend")


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_epochs_reach_persistent_workers(pool: SyntheticPool, method: str) -> None:
    dataset = mixed(pool)
    loader = DataLoader(
        dataset, 8, num_workers=2, persistent_workers=True, collate_fn=collate, multiprocessing_context=method
    )
    digests = []
    for epoch in (0, 1, 2):
        dataset.set_epoch(epoch)
        digests.append(digest(loader))
    assert digests == [expected(pool, epoch) for epoch in (0, 1, 2)]
    assert len(set(digests)) == 3


def test_the_default_collate_function_serves_as_well(pool: SyntheticPool) -> None:
    assert digest(DataLoader(mixed(pool), 8)) == expected(pool, 0)


def collate_and_look(batch: Any) -> tuple[torch.Tensor, bool, bool]:
    """The images, whether they will be sent without a copy, and whether collation left them where they were."""
    images = collate(batch)[0]
    return images, isinstance(images, OutgoingBatch), images.data_ptr() == batch[0][0].data_ptr()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_worker_writes_batches_where_they_are_sent_from(pool: SyntheticPool, workers: int) -> None:
    loader = DataLoader(mixed(pool), 8, num_workers=workers, collate_fn=collate_and_look)
    batches = list(loader)
    assert [(outgoing, kept) for _, outgoing, kept in batches] == [(workers > 0, True)] * 3
    whole = dataset_batch(mixed(pool), range(23))[0]
    assert torch.equal(torch.cat([images for images, _, _ in batches]), whole)


def test_samplers_choose_positions_and_change_no_item(pool: SyntheticPool) -> None:
    dataset = mixed(pool)
    reference = digest([dataset_batch(dataset, range(23))])
    shuffled = DataLoader(dataset, 5, shuffle=True, collate_fn=collate, generator=torch.Generator().manual_seed(1))
    rows = sorted(int(item) + 100 * bool(s) for _, _, source in shuffled for s, item in zip(*source, strict=True))
    assert rows == sorted(s.item + 100 * s.synthetic for s in map(dataset.source, range(23)))
    shares = [list(DistributedSampler(dataset, 2, rank, shuffle=False, drop_last=True)) for rank in (0, 1)]
    assert sorted(shares[0] + shares[1]) == list(range(22))
    subset = DataLoader(Subset(dataset, range(23)), 4, collate_fn=collate)
    assert digest(subset) == reference


def dataset_batch(dataset: SyntheticMixDataset, positions: Any) -> Any:
    return collate(dataset.__getitems__(list(positions)))


def test_a_pickle_is_independent_and_equal(pool: SyntheticPool) -> None:
    dataset = mixed(pool)
    dataset.set_epoch(2)
    for other in (pickle.loads(pickle.dumps(dataset)), copy.deepcopy(dataset)):
        assert other.epoch == 2
        assert digest([dataset_batch(other, range(23))]) == expected(pool, 2)
        other.set_epoch(0)
        assert dataset.epoch == 2


FORKING = """
import os, sys
sys.path.insert(0, {folder!r})
from mixing_toys import Pictures, toy_generator
from augsynth.data import SyntheticMixDataset

dataset = SyntheticMixDataset(Pictures([0, 1]), toy_generator(), ratio=0.5)
path = dataset.synthetic.path
child = os.fork()
if child == 0:
    sys.exit()  # runs the finalizers that the child has inherited
os.waitpid(child, 0)
print(path)
print(path.is_dir())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_temporary_pool_is_removed_by_its_owner_only(tmp_path: Path) -> None:
    script = FORKING.format(folder=str(Path(__file__).parent))
    # Elsewhere, because the source tree has no compiled extension and would shadow the installed package.
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, capture_output=True, text=True)
    path, survived_the_child = done.stdout.split()[-2:]
    assert survived_the_child == "True"
    assert not Path(path).exists()


def test_global_random_state_is_left_alone(pool: SyntheticPool) -> None:
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - what is tested
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    dataset = mixed(pool)
    digest([dataset_batch(dataset, range(23))])
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])  # noqa: NPY002
