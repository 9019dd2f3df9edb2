"""`augsynth evaluate` and `augsynth report`: tables, JSON, pages, and what they refuse."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from augsynth.cli import main


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two archives of digits, and a folder of other sizes."""
    root, digits = tmp_path_factory.mktemp("sides"), load_digits()
    images = (digits.images * 15.9).astype(np.uint8)
    for name, part in {"real": slice(0, 300), "made": slice(300, 600), "test": slice(600, 900)}.items():
        np.savez(root / f"{name}.npz", images=images[part], labels=digits.target[part])
    for number, side in enumerate((8, 9)):
        (root / "mixed" / "a").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((side, side), 100, np.uint8)).save(root / "mixed" / "a" / f"{number}.png")
    return root


def sides(folder) -> tuple[object, ...]:
    return folder / "made.npz", "--real", folder / "real.npz", "--test", folder / "test.npz", "--train-steps", 20


def test_evaluate_prints_a_table_and_writes_a_report_that_can_be_made_again(folder, tmp_path, capsys):
    assert run("evaluate", *sides(folder), "--out", tmp_path / "out") == 0
    printed = capsys.readouterr()
    for part in ("CAS", "GAN-test", "FD", "coverage", "FLD", "150 compared on each side", "real images"):
        assert part in " ".join(printed.out.split())
    page = tmp_path / "out" / "report.html"
    assert str(page) in printed.err
    before = page.read_bytes()
    assert b"augsynth evaluate" in before
    page.unlink()
    assert run("report", tmp_path / "out") == 0
    assert page.read_bytes() == before
    assert json.loads((tmp_path / "out" / "card.json").read_text())["question"].startswith("How good")


def test_evaluate_prints_json_of_chosen_scores(folder, capsys):
    assert run("evaluate", *sides(folder), "--scores", "coverage, fld", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert list(found["scores"]) == ["coverage", "fld"]
    assert found["kind"] == "evaluation"


def test_audit_writes_a_report_of_its_findings(folder, tmp_path, capsys):
    status = run("audit", folder / "real.npz", "--test", folder / "real.npz", "--steps", 0, "--out", tmp_path)
    assert status == 1
    assert "300 of 300 images of test" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert str(tmp_path / "report.html") in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("evaluate", "{root}/mixed", "--real", "{root}/real.npz"), "--image-size"),
        (("evaluate", "{root}/made.npz", "--real", "{root}/real.npz", "--scores", "fid"), "names must be some of"),
        (("evaluate", "{root}/nothing", "--real", "{root}/real.npz"), "nothing"),
        (("report", "{root}/mixed"), "holds no results.json"),
    ],
)
def test_mistakes_are_told_in_one_line(folder, capsys, arguments, message):
    assert run(*(argument.format(root=folder) for argument in arguments)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
