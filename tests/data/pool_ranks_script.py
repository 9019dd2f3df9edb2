"""Script that torchrun starts: each process calls `SyntheticPool.create`, and notes the shards that it made."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import torch
from mixing_toys import toy_generator
from torch import distributed

from augsynth.data import SyntheticPool
from augsynth.data.pools import writer


def main(path: Path, killed: str) -> None:
    torch.set_num_threads(1)
    rank, attempt = int(os.environ["RANK"]), os.environ["TORCHELASTIC_RESTART_COUNT"]
    # `create` needs no group. With torch 2.13, gloo often cannot form one again after a rank was killed.
    if killed == "never":
        distributed.init_process_group("gloo")
    write = writer.write_shard

    def noted(folder: Path, number: int, samples: Any) -> Any:
        if killed == attempt and number > 2:
            if rank == 1:
                os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # until torchrun notices that rank 1 was killed, and ends this one as well
        with open(path.parent / f"rank-{rank}-{attempt}", "a") as notes:
            notes.write(f"{number}\n")
        time.sleep(0.02)
        return write(folder, number, samples)

    writer.write_shard = noted
    pool = SyntheticPool.create(path, toy_generator(), 40, seed=5, shard_size=2, progress=False)
    assert len(pool) == 40
    if killed == "never":
        distributed.barrier()
        distributed.destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
