"""Pools that several processes fill: ranks of torchrun, and workers of Ray. The bytes are those of one process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mixing_toys import renderer, toy_generator

from augsynth.data import RayEngine, SyntheticPool
from augsynth.errors import PluginError

SCRIPT = Path(__file__).parent / "pool_ranks_script.py"


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a pool that one process filled."""
    path = tmp_path_factory.mktemp("alone")
    SyntheticPool.create(path, toy_generator(), 40, seed=5, shard_size=2, progress=False)
    return contents(path)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
@pytest.mark.parametrize("killed", ["never", "0"])
def test_ranks_share_the_shards(tmp_path: Path, alone: dict[str, bytes], killed: str) -> None:
    command = [sys.executable, "-B", "-m", "torch.distributed.run", "--nproc-per-node=2", "--max-restarts=1"]
    command += ["--rdzv-backend=c10d", "--rdzv-endpoint=localhost:0", str(SCRIPT), str(tmp_path / "pool"), killed]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "AUGSYNTH_PLUGINS": "off"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert contents(tmp_path / "pool") == alone
    notes = {path.name: path.read_text().split() for path in tmp_path.glob("rank-*")}
    if killed == "never":
        made = [number for numbers in notes.values() for number in numbers]
        assert sorted(made, key=int) == [str(number) for number in range(20)]  # each one once
        assert notes["rank-0-0"]
        assert notes["rank-1-0"]
    else:
        assert {name[-1] for name in notes} >= {"1"}  # the second attempt made the rest


@pytest.fixture(scope="module")
def ray() -> Iterator[Any]:
    module = pytest.importorskip("ray")
    paths = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    environment = {"env_vars": {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "AUGSYNTH_PLUGINS": "off"}}
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # on a busy machine
    module.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env=environment)
    yield module
    module.shutdown()


@pytest.mark.slow
def test_workers_of_ray_draw_the_shards(tmp_path: Path, alone: dict[str, bytes], ray: Any) -> None:
    SyntheticPool.create(
        tmp_path / "pool", toy_generator(), 40, seed=5, shard_size=2, progress=False, engine=RayEngine(2)
    )
    assert contents(tmp_path / "pool") == alone
    one = SyntheticPool.create(tmp_path / "one", renderer(), 12, shard_size=4, progress=False)
    two = SyntheticPool.create(tmp_path / "two", renderer(), 12, shard_size=4, progress=False, engine=RayEngine(2))
    assert contents(one.path) == contents(two.path)


@pytest.mark.slow
def test_an_error_of_a_ray_worker_reaches_the_caller(tmp_path: Path, ray: Any) -> None:
    class Failing:
        def draw(self, samples: Any, numbers: Any) -> Any:
            return RayEngine(2).draw(_fail, numbers)

    with pytest.raises(Exception, match="out of luck"):
        SyntheticPool.create(tmp_path, toy_generator(), 8, shard_size=2, progress=False, engine=Failing())
    SyntheticPool.create(tmp_path, toy_generator(), 8, shard_size=2, progress=False).verify()


def _fail(number: int) -> Any:
    raise RuntimeError("out of luck")


class Backwards:
    """An engine that draws the shards in another order, and fails before the last two."""

    def __init__(self, last: int) -> None:
        self._last = last

    def draw(self, samples: Any, numbers: Any) -> Any:
        for number in sorted(numbers, reverse=True):
            if number < self._last:
                raise RuntimeError("the cluster went away")
            yield number, samples(number)


def test_shards_in_any_order_make_the_same_pool(tmp_path: Path, alone: dict[str, bytes]) -> None:
    def create(last: int) -> None:
        SyntheticPool.create(
            tmp_path, toy_generator(), 40, seed=5, shard_size=2, progress=False, engine=Backwards(last)
        )

    with pytest.raises(RuntimeError, match="went away"):
        create(12)
    create(0)
    assert contents(tmp_path) == alone


def test_a_missing_ray_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(PluginError, match=r'needs Ray: pip install "augsynth\[ray\]"'):
        SyntheticPool.create(tmp_path, toy_generator(), 8, shard_size=2, progress=False, engine=RayEngine())
