"""Reports in a headless browser: sections are there, nothing is logged, nothing scrolls sideways on a phone."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from test_results import made_up

from augsynth.evaluate import Experiments, audit, scores, write_report

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium is installed")

FRAME = """<!doctype html><meta charset="utf-8"><iframe width="{width}" height="900" srcdoc="{page}"></iframe>
<pre></pre><script>
document.querySelector("iframe").addEventListener("load", event => {{
  const page = event.target.contentDocument;
  const broken = [...page.images].filter(image => image.naturalWidth === 0).length;
  document.querySelector("pre").textContent = "measured" + JSON.stringify({{
    shown: page.documentElement.clientWidth, needed: page.documentElement.scrollWidth,
    titles: [...page.querySelectorAll("h2")].map(title => title.textContent), broken,
  }}) + "measured";
}});
</script>"""


def seen(page: Path, width: int) -> tuple[dict, str]:
    """Return what a browser measures of a page in a frame of that width, and what it logs."""
    frame = page.with_name(f"frame-{width}.html")
    frame.write_text(FRAME.format(width=width, page=html.escape(page.read_text(encoding="utf-8"))), encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--virtual-time-budget=20000"]
    command = [str(BROWSER), *flags, f"--user-data-dir={page.parent / 'profile'}", "--dump-dom", frame.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    found = re.findall("measured({.*?})measured", html.unescape(done.stdout))
    assert found, done.stderr[-2000:]
    return json.loads(found[-1]), "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)


def experiments():
    return Experiments([made_up(0.03, -0.01), made_up(-0.03)], "why they differ")


def findings():
    images = np.random.default_rng(0).integers(0, 256, (40, 8, 8), np.uint8)
    return audit([(image, 0) for image in images[:30]], test=[(image, 0) for image in images[25:]])


def evaluation():
    images = np.random.default_rng(0).integers(0, 256, (2, 60, 8, 8), np.uint8)
    return scores(list(images[0]), list(images[1]), ["coverage", "fld"])


@pytest.mark.parametrize(
    ("make", "titles"),
    [
        (experiments, ("Scores on the test split", "Confusion matrices", "Images", "Gates", "How to reproduce it")),
        (findings, ("Findings", "Images", "How it was measured")),
        (evaluation, ("Scores", "Images", "How it was measured")),
    ],
)
def test_a_page_fits_a_phone_and_a_desk_and_logs_nothing(tmp_path, make, titles):
    page = write_report(make(), tmp_path / "report.html")
    for width in (390, 1200):
        measured, logged = seen(page, width)
        assert logged == ""
        assert measured["broken"] == 0
        assert set(titles) <= set(measured["titles"])
        assert 0 < measured["needed"] <= measured["shown"] <= width
