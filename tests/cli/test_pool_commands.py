"""`augsynth pool`: what the commands print and write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augsynth.cli import main
from augsynth.data import SyntheticPool


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for number in range(6):
        path = tmp_path / f"photos/{'ab'[number % 2]}/{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((6, 8 + number // 4, 3), number, np.uint8)).save(path)
    return tmp_path / "photos"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_from_images_to_a_pool_and_back(pictures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool, out = tmp_path / "pool", tmp_path / "out"
    assert run("pool", "import", pictures, "--out", pool) == 2
    assert "several sizes (height x width): 4 of 6x8, 2 of 6x9" in capsys.readouterr().err
    assert run("pool", "import", pictures, "--out", pool, "--size", "4x6") == 0
    assert "6 images of 6x4 pixels, 3 channels" in capsys.readouterr().out
    assert run("pool", "verify", pool) == 0
    assert "is intact" in capsys.readouterr().out
    assert run("pool", "export", pool, "--out", out, "--format", "webdataset") == 0
    assert sorted(path.name for path in out.iterdir()) == ["class_names.json", "pool-000000.tar"]
    assert run("pool", "import", out, "--out", tmp_path / "again") == 0
    assert SyntheticPool.open(tmp_path / "again").labels.tolist() == [0, 0, 0, 1, 1, 1]
    (pool / "labels-000000.npy").write_bytes(b"")
    assert run("pool", "verify", pool) == 2
    assert "damaged: labels-000000.npy" in capsys.readouterr().err


@pytest.mark.parametrize("size", ["0", "x", "4x", "big", "1x2x3"])
def test_a_size_that_is_none_is_refused(pictures: Path, tmp_path: Path, size: str, capsys) -> None:
    assert run("pool", "import", pictures, "--out", tmp_path / "pool", "--size", size) == 2
    assert "size must be" in capsys.readouterr().err
