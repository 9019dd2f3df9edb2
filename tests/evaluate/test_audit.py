"""The audit finds what was planted in pools and in a user's own splits, and says nothing of clean data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from data.mixing_toys import toy_generator
from near_copies.planted import near_copies
from numpy.typing import NDArray

from augsynth.cli import main
from augsynth.data import ImageData, SyntheticPool, load_dataset
from augsynth.errors import ArgumentError, DataError
from augsynth.evaluate import audit

pytestmark = pytest.mark.usefixtures("one_thread")
STEPS = 60


@pytest.fixture(scope="module")
def digits() -> ImageData:
    """The digits, of which each class is one kind of picture here."""
    pytest.importorskip("sklearn")
    return load_dataset("digits").take(np.random.default_rng(0).permutation(1797))


def _copies(images: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return near_copies(torch.from_numpy(images).permute(0, 3, 1, 2)).permute(0, 2, 3, 1).numpy()


def _with(data: ImageData, images: NDArray[np.uint8], labels: Any) -> ImageData:
    return ImageData(np.concatenate([data.images, images]), np.concatenate([data.labels, labels]), data.class_names)


def _part(data: ImageData, begin: int, end: int) -> ImageData:
    return data.take(np.arange(begin, end))


def test_leaks_between_the_splits_of_a_user_are_the_first_finding(digits: ImageData) -> None:
    train, test = _part(digits, 0, 300), _part(digits, 300, 400)
    leaking = _with(test, _copies(train.images[:20]), train.labels[:20])
    result = audit(train, test=leaking, steps=STEPS)
    assert result.found
    leak = next(finding for finding in result.findings if finding.check == "leaks")
    assert (leak.where, leak.size, leak.matters) == ("test", 120, True)
    assert (leak.items >= 100).sum() >= 19
    assert (leak.items < 100).sum() <= 2
    assert "have a duplicate in data" in leak.sentence
    assert json.loads(json.dumps(result.to_dict()))["findings"][0]["matters"] is True


def test_a_pool_with_copies_leaks_and_wrong_labels_is_taken_apart(digits: ImageData) -> None:
    real, held_out, test = _part(digits, 0, 400), _part(digits, 400, 800), _part(digits, 800, 1000)
    samples = _part(digits, 1000, 1300)
    labels = samples.labels.copy()
    labels[:12] = (labels[:12] + 5) % 10
    samples = ImageData(samples.images.copy(), labels, samples.class_names)
    samples.images[20] = 7
    samples = _with(samples, _copies(real.images[:30]), real.labels[:30])
    samples = _with(samples, test.images[:5], test.labels[:5])
    result = audit(samples, real, held_out, test, steps=150)
    assert set(result.items("copies")) >= set(range(302, 330))
    assert (result.items("copies") < 300).sum() <= 6  # of few images; test_copying_gate.py tests the rates
    assert set(result.items("leaks")) >= set(range(330, 335))
    assert len(set(result.items("labels")) & set(range(12))) >= 9
    assert 20 in result.items("odd images")
    assert result.copies is not None
    assert result.copies.copied is True
    assert "p = " in next(f.sentence for f in result.findings if f.check == "copies")


def test_clean_data_have_no_finding_that_matters(digits: ImageData) -> None:
    result = audit(_part(digits, 0, 500), test=_part(digits, 500, 700), steps=250)
    assert [finding.sentence for finding in result.findings if finding.matters] == []
    assert not result.found
    assert result.notes == ()


def test_items_without_labels_are_audited_without_them() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (9, 7, 3), np.uint8) for _ in range(20)]
    result = audit([*images, images[3]])
    assert result.items("duplicates").tolist() == [20]
    assert result.doubtful == {}
    assert "labels were not checked" in result.notes[0]


def test_sets_that_cannot_be_compared_are_refused(digits: ImageData) -> None:
    with pytest.raises(DataError, match=r"data \(1, 8, 8\), test \(1, 9, 9\)"):
        audit(_part(digits, 0, 9), test=[(np.zeros((9, 9, 1), np.uint8), 0)])
    with pytest.raises(ArgumentError, match="held_out needs real"):
        audit(digits, held_out=digits)


def test_quarantined_items_are_not_reported_again(tmp_path: Path) -> None:
    pool = SyntheticPool.create(tmp_path / "pool", toy_generator((1, 8, 8)), 60, progress=False)
    test = [pool[i] for i in (3, 4)]
    result = audit(pool, test=test, steps=5)
    assert {finding.check for finding in result.findings} >= {"leaks"}
    again = audit(pool, [pool[i] for i in range(8, 60)], test=test, steps=5)
    assert again.items("leaks").tolist() == [3, 4]
    pool.quarantine(again.items("leaks"), "in the test split")
    after = audit(pool, [pool[i] for i in range(8, 60)], test=test, steps=5)
    assert 3 not in after.items("leaks")
    assert after.items("leaks").tolist() == []


def _archive(path: Path, data: ImageData) -> Path:
    np.savez(path, images=data.images, labels=data.labels)
    return path


def test_the_command_ends_with_a_status_for_scripts(
    digits: ImageData, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = _archive(tmp_path / "train.npz", _part(digits, 0, 200))
    test = _archive(tmp_path / "test.npz", _part(digits, 200, 300))
    leaking = _archive(tmp_path / "leaking.npz", _part(digits, 190, 300))
    common = ["--steps", "40", "--tolerated", "0.2"]
    assert main(["audit", str(train), "--test", str(test), *common]) == 0
    assert "clean" in capsys.readouterr().out
    assert main(["audit", str(train), "--test", str(leaking), *common]) == 1
    shown = capsys.readouterr().out
    assert "10 of 110 images of test" in " ".join(shown.split())
    assert main(["audit", str(train), "--test", str(leaking), *common, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["found"] is True
    assert main(["audit", str(tmp_path / "nothing")]) == 2
    assert "no data at" in capsys.readouterr().err


def test_the_command_opens_a_pool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pool = SyntheticPool.create(tmp_path / "pool", toy_generator((1, 8, 8)), 30, progress=False)
    pool.quarantine([1], "odd")
    assert main(["audit", str(pool.path), "--steps", "2", "--json"]) in (0, 1)
    assert json.loads(capsys.readouterr().out)["sizes"] == {"data": 30}
