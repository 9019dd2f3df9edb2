"""Tests of the pages: their Python runs, pages that are made from the code are up to date, and links lead somewhere.

A block that needs data, hours or a plugin begins with ```` ```python no-run ````.
"""

from __future__ import annotations

import importlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from augsynth import transforms as T
from augsynth.generators import registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
TUTORIALS = ("generators.md", "tutorial-custom-transforms.md", "tutorial-gan.md")
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
MADE = ("dtype_tables", "explained_pipelines", "gallery_pages")


def blocks(page: str) -> list[str]:
    """Return the Python blocks of a page that run."""
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


GIVEN = """
import numpy as np
import torch
from torch.utils.data import DataLoader

import augsynth
from augsynth import transforms as T

images = np.random.default_rng(0).integers(0, 256, (4, 300, 400, 3), dtype=np.uint8)
image, seed, epoch, index = images[0], 0, 0, 0
keys = [(0, 0, index) for index in range(4)]
"""
"""Names that all pages use: images and keys of a batch, and the usual imports."""

CALLS = """
for name, test in list(globals().items()):
    if name.startswith("test_"):
        test()
"""


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page) and page not in TUTORIALS])
def test_the_blocks_of_a_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_REGISTRY", registry.Registry())
    module = ModuleType("page")  # dataclasses look their module up
    monkeypatch.setitem(sys.modules, "page", module)
    for number, block in enumerate([GIVEN, *blocks(page), CALLS]):
        exec(compile(block, f"{page}, block {number}", "exec"), vars(module))


@pytest.mark.parametrize("page", TUTORIALS)
def test_a_tutorial_runs_outside_the_repository(page: str, tmp_path: Path) -> None:
    (tmp_path / "tutorial.py").write_text("\n".join([GIVEN, *blocks(page), CALLS]), encoding="utf-8")
    command = [sys.executable, "tutorial.py"]
    patient = os.environ | {"CI": "true"}  # hypothesis then forgives a busy machine
    done = subprocess.run(command, cwd=tmp_path, env=patient, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, ModuleType]]:
    """Modules that make pages, by name."""
    folder = str(DOCS / "generate")
    sys.path.insert(0, folder)
    yield {name: importlib.import_module(name) for name in MADE}
    sys.path.remove(folder)


@pytest.mark.parametrize("page", ["dtypes", "explain", "gallery"])
def test_pages_that_are_made_are_up_to_date(made: dict[str, ModuleType], page: str) -> None:
    makers = [getattr(module, f"{page}_page", None) for module in made.values()]
    (make,) = [maker for maker in makers if maker is not None]
    assert (DOCS / f"{page}.md").read_text(encoding="utf-8") == make(), "run `make docs` and look at what has changed"


def test_the_gallery_shows_every_transform_as_it_is(made: dict[str, ModuleType]) -> None:
    pictures = dict(made["gallery_pages"].gallery_pictures())
    assert set(pictures) == {kind.__name__ for kind in T.TRANSFORMS} | {"Mosaic", "CopyPaste", "CutMix", "MixUp"}
    for name, picture in pictures.items():
        stored = np.asarray(Image.open(DOCS / "images" / "gallery" / f"{name}.png"))
        np.testing.assert_array_equal(stored, np.asarray(Image.open(io.BytesIO(picture))), err_msg=name)


PROSE = sorted(
    path
    for path in [*ROOT.glob("*.md"), *DOCS.glob("**/*.md"), *ROOT.glob("plugins/*/*.md")]
    + [ROOT / folder / "README.md" for folder in ("bench", "tests")]
)


@pytest.mark.parametrize("page", PROSE, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text):
        if "://" not in target:
            aim = page.parent / target if target else page
            assert aim.exists(), target
            assert not anchor or anchor in anchors(aim), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them: repeated headings get a number."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    names = [
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.*?)\s*$", text, re.MULTILINE)
    ]
    return {name if number == 0 else f"{name}-{number}" for name, number in _numbered(names)}


def _numbered(names: list[str]) -> list[tuple[str, int]]:
    return [(name, names[:position].count(name)) for position, name in enumerate(names)]
