"""Refuses calls of many kinds again and again, and prints how the process's memory grew; a script."""

from __future__ import annotations

import gc
import io
import itertools
import json
import resource
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from augsynth import _native
from augsynth import transforms as T
from augsynth.differentiable import linear_pass
from augsynth.errors import AugsynthError
from augsynth.plan import Plan

BEFORE, CALLS = 4_000, 20_000
IMAGE = np.zeros((16, 16, 3), np.uint8)
FLIP = T.RandomHorizontalFlip(1.0)
FLIP_PLAN = FLIP.plan([IMAGE.shape], [(0, 0, 0)])
CASE = FLIP_PLAN.passes[0]


def stored_plan() -> bytes:
    file = io.BytesIO()
    FLIP_PLAN.save(file)
    return file.getvalue()


STORED = stored_plan()


def with_row(**fields: Any) -> Callable[[], Any]:
    """A pass whose row has other values."""
    rows = CASE.rows.copy()
    for name, value in fields.items():
        rows[name] = value
    return lambda: _native.run(rows, [IMAGE], [np.zeros((3, 16, 16), np.uint8)], tables=CASE.tables)


REFUSED: Mapping[str, Callable[[], Any]] = {
    "argument": lambda: T.RandomRotation("a"),  # type: ignore[arg-type]
    "description": lambda: T.from_dict({"type": "Compose", "transforms": [{"type": "Resize", "size": [-1, 2]}]}),
    "name": lambda: T.from_dict({"type": "RandomNothing"}),
    "dtype": lambda: FLIP(np.zeros((4, 4), np.int64)),
    "shape": lambda: FLIP(np.zeros((4, 4, 40), np.uint8)),
    "size": lambda: T.RandomCrop(32)(IMAGE),
    "channels": lambda: T.RandomGrayscale(1.0)(np.zeros((4, 4, 2), np.uint8)),
    "sizes of a batch": lambda: FLIP.batch([IMAGE, IMAGE[1:]]),
    "out": lambda: FLIP.batch([IMAGE], out=torch.zeros(1, 3, 4, 4, dtype=torch.uint8)),
    "target": lambda: FLIP(IMAGE, {"boxes": [[0.0, 1.0, 2.0]]}),
    "plan's bytes": lambda: Plan.load(io.BytesIO(STORED[:200] + b"\0" * 20 + STORED[220:])),
    "no plan": lambda: Plan.load(io.BytesIO(b"nothing")),
    "row": with_row(border=9),
    "map": with_row(inverse=np.full((3, 3), np.nan)),
    "working memory": with_row(
        source_size=(16, 16), inverse=np.diag([2.0**20, 1, 1]), support=(2.0**22, 1.0), antialias=1, interpolation=1
    ),
    "overlap": lambda: _native.run(CASE.rows, [IMAGE], [IMAGE.transpose(2, 0, 1)], tables=CASE.tables),
    "threads": lambda: _native.run(CASE.rows, [IMAGE], [np.zeros((3, 16, 16), np.uint8)], threads=0),
    "kernel": lambda: _native.blur(IMAGE, np.zeros(0, np.float32), np.ones(1, np.float32)),
    "linear map": lambda: linear_pass(torch.zeros(1, 3, 4, 4), torch.full((1, 3, 3), torch.nan)),
}


def refuse(count: int) -> None:
    for name in itertools.islice(itertools.cycle(REFUSED), count):
        try:
            REFUSED[name]()
        except AugsynthError:
            continue
        raise SystemExit(f"{name}: was not refused")


def memory() -> int:
    """Bytes of this process."""
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    refuse(BEFORE)
    first = memory()
    refuse(CALLS)
    print(json.dumps({"grew": memory() - first}))
