"""The report is one file that loads nothing, and says what the result says."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from test_results import made_up

from augsynth.errors import ArgumentError
from augsynth.evaluate import figures, write_report
from augsynth.evaluate.figures import RatioPoint, difference_plot, image_grid, ratio_plot
from augsynth.evaluate.intervals import Interval
from augsynth.evaluate.reporting.experiment import table_rows
from augsynth.evaluate.reporting.pictures import Picture
from augsynth.evaluate.reporting.records import Record
from augsynth.evaluate.reporting.report import render


class Page(HTMLParser):
    """Collects what a browser would show and what it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.loads += [value for name, value in attrs if name in ("src", "srcset", "href", "data", "action")]

    def handle_data(self, data):
        self.text += data


def page_of(result) -> str:
    return render(Record.of(result))


def test_the_report_is_one_file_that_loads_nothing(tmp_path):
    path = write_report(made_up(0.03, -0.03), tmp_path / "new" / "report.html")
    html = path.read_text(encoding="utf-8")
    page = Page(html)
    assert len(page.loads) == 4 + 1, "one plot for light and dark, wide and narrow pages, and one picture"
    assert all(load.startswith("data:image/png;base64,") for load in page.loads)
    assert not re.search(r"https?:|url\(|@import|<script|<link", html)


def test_every_embedded_picture_decodes():
    for load in Page(page_of(made_up(0.03))).loads:
        image = Image.open(io.BytesIO(base64.b64decode(load.split(",", 1)[1])))
        image.verify()


@pytest.mark.parametrize("change", [0.03, -0.03, 0.0])
def test_the_page_shows_headline_table_and_settings(change):
    result = made_up(change)
    text = " ".join(Page(page_of(result)).text.split()).replace("\u2212", "-")
    assert result.headline in text
    for row in table_rows(result.to_dict()):
        for cell in filter(None, row.values()):
            assert cell in text
    assert "images per class" in text
    assert "5 images used" in text


def test_names_are_escaped():
    html = page_of(made_up(0.03))
    assert "<digits>" not in html
    assert "one &amp; two" in html


def test_table_rows_give_percent_points_and_a_verdict_for_synthetic_arms_only():
    real_only, baseline, synthetic = table_rows(made_up(0.03).to_dict())
    assert (real_only["verdict"], baseline["verdict"], synthetic["verdict"]) == ("", "", "helped")
    assert (baseline["accuracy"], baseline["macro_f1"], synthetic["change"]) == ("91.0%", "90.0%", "+3.0")


def test_a_grid_keeps_every_pixel_in_its_place():
    images = np.random.default_rng(1).integers(0, 256, (5, 4, 6, 3), np.uint8)
    sheet = image_grid(images, columns=3, gap=2)
    factor = 72 // 6
    assert sheet.shape == (2 * 4 * factor + 2, 3 * 6 * factor + 4, 4)
    fifth = sheet[4 * factor + 2 :, 6 * factor + 2 : 12 * factor + 2]
    np.testing.assert_array_equal(fifth[::factor, ::factor, :3], images[4])
    assert (fifth[..., 3] == 255).all()
    assert (sheet[4 * factor + 2 :, 12 * factor + 4 :, 3] == 0).all()


def test_a_grid_needs_images():
    with pytest.raises(ArgumentError, match=r"shape \(0, 8, 8, 1\)"):
        image_grid(np.zeros((0, 8, 8, 1), np.uint8), columns=2)


def test_plots_are_the_same_each_time_and_differ_by_colours_and_width():
    points = [RatioPoint(0.0, Interval(0.9, 0.8, 1.1), (0.9, 1.0)), RatioPoint(0.5, Interval(0.95, 0.9, 1.0), (0.95,))]
    rows = [("an arm with a rather long name that does not fit on a phone at all", Interval(0.01, -0.02, 0.04))]
    for draw in (lambda **how: ratio_plot(points, 0.85, **how), lambda **how: difference_plot(rows, "accuracy", **how)):
        assert draw() == draw()
        assert len({draw(), draw(dark=True), draw(narrow=True), draw(dark=True, narrow=True)}) == 4


def test_the_axis_of_accuracy_ends_at_100_percent(monkeypatch):
    limits = []
    monkeypatch.setattr(figures, "_frame", lambda axes, grid, dark: limits.append(axes.get_ylim()))
    ratio_plot([RatioPoint(0.0, Interval(0.99, 0.9, 1.08), (1.0,)), RatioPoint(0.5, Interval(0.9, 0.8, 1.0), ())], 0.9)
    assert limits[0][1] == 100.0
    assert limits[0][0] < 80.0


def test_a_picture_has_an_image_for_each_cell():
    images = np.zeros((5, 8, 8, 1), np.uint8)
    with pytest.raises(ArgumentError, match="5 images for 6 cells"):
        Picture("p", "", "", images, ("a", "b", "c"))
    assert Image.open(io.BytesIO(Picture("p", "", "", images, ("a",)).png())).size == (72, 5 * 76 - 4)
