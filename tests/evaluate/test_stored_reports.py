"""Reports are made from what is stored: pages, cards and pictures of every kind of result."""

from __future__ import annotations

import json
from html import unescape
from re import sub

import numpy as np
import pytest
from test_results import made_up

from augsynth.errors import DataError
from augsynth.evaluate import Experiments, audit, rebuild_report, write_results
from augsynth.evaluate.reporting import parts
from augsynth.evaluate.reporting.report import PAGES


def text_of(path) -> str:
    return " ".join(unescape(sub(r"<[^>]*>", " ", path.read_text(encoding="utf-8"))).replace("\u2212", "-").split())


@pytest.fixture
def two(tmp_path):
    results = Experiments([made_up(0.03), made_up(-0.03)], "why they differ")
    return write_results(results, tmp_path / "out", command="augsynth demo --seeds 5")


def test_a_report_is_made_again_from_what_is_stored(two):
    before = two.read_bytes()
    two.unlink()
    assert rebuild_report(two.parent) == two
    assert two.read_bytes() == before
    two.unlink()
    rebuild_report(two.parent / "results.json")
    assert two.read_bytes() == before


def test_the_page_has_every_part_of_both_settings(two):
    text = text_of(two)
    for part in (
        "why they differ",
        "Scores on the test split",
        "Confusion matrices",
        "three taken for zero: 30.0%",
        "Classes",
        "Gates",
        "9 samples were looked at",
        "What was dropped, and why",
        "5 images used",
        "How to reproduce it",
        "augsynth demo --seeds 5",
    ):
        assert part in text
    assert {path.name for path in (two.parent / "pictures").iterdir()} == {"1-real.png", "2-real.png"}


def test_the_card_says_question_answer_cautions_and_command(two):
    card = json.loads((two.parent / "card.json").read_text())
    assert card["answer"] == made_up(0.03).headline
    assert card["other settings"][0]["answer"] == made_up(-0.03).headline
    assert card["reproduce"] == "augsynth demo --seeds 5"
    assert {"question", "data", "warnings", "numbers", "gates", "settings", "limits", "provenance"} <= card.keys()


def test_the_page_of_an_audit_shows_what_was_found(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    result = audit([(image, 0) for image in images[:30]], test=[(image, 0) for image in images[25:]])
    path = write_results(result, tmp_path)
    assert "5 of 15 images of test (33.3%) have a duplicate in data" in text_of(path)
    stored = json.loads((tmp_path / "results.json").read_text())
    assert stored["pictures"][0]["columns"] == ["0", "1", "2", "3", "4"]
    before = path.read_bytes()
    assert rebuild_report(tmp_path).read_bytes() == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "holds no results.json"),
        ("{", "is no JSON"),
        ("[]", "is no result of"),
        ('{"kind": "nothing"}', "have no report; known are sweep, experiment, evaluation, audit"),
        ('{"kind": "audit", "pictures": [{"file": "../../etc/passwd"}]}', "cannot be read"),
    ],
)
def test_what_is_no_result_is_refused_in_words(tmp_path, content, message):
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(DataError, match=message):
        rebuild_report(tmp_path)
    assert list(PAGES) == ["sweep", "experiment", "evaluation", "audit"]


def test_confusions_and_recalls_say_what_their_matrices_hold():
    control, winner = [[8, 2], [1, 9]], [[10, 0], [0, 10]]
    first, second = parts.confusions({"control": control, "winner": winner, "none": None}, ["a", "b"])
    assert first["pairs"] == ["a taken for b: 20.0%", "b taken for a: 10.0%"]
    assert first["rows"][0] == {"name": "a", "shares": [0.8, 0.2]}
    assert second["pairs"] == []
    changes = parts.recalls(control, winner, ["a", "b"])
    assert changes == [
        {"name": "a", "control": "80.0%", "winner": "100.0%", "change": "+20.0"},
        {"name": "b", "control": "90.0%", "winner": "100.0%", "change": "+10.0"},
    ]
    assert parts.recalls(None, winner, ["a", "b"]) == []
    many = np.eye(20, dtype=int).tolist()
    assert parts.confusions({"control": many}, list(map(str, range(20))))[0]["rows"] == []
