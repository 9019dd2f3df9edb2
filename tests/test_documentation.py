"""The Python in the pages runs, from top to bottom, and what is made from the code is up to date.

A block that needs data, hours or a plugin begins with ```` ```python no-run ````.
"""

from __future__ import annotations

import importlib
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

import augsynth
from augsynth import transforms as T
from augsynth.generators import registry

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(path.name for path in DOCS.glob("*.md"))
MADE = ("dtype_tables", "explained_pipelines", "gallery_pages")


def blocks(page: str) -> list[str]:
    """The Python blocks of a page that are to be run."""
    return re.findall(r"^```python\n(.*?)^```$", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def given_names() -> dict[str, Any]:
    """What pages take for granted: images, keys and labels of a batch, and the usual imports."""
    images = np.random.default_rng(0).integers(0, 256, (4, 300, 400, 3), dtype=np.uint8)
    return {
        "image": images[0],
        "images": images,
        "keys": [(0, 0, index) for index in range(4)],
        "seed": 0,
        "epoch": 0,
        "index": 0,
        "np": np,
        "torch": torch,
        "T": T,
        "augsynth": augsynth,
        "DataLoader": DataLoader,
    }


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_the_blocks_of_a_page_run(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "_REGISTRY", registry.Registry())
    module = ModuleType("page")  # dataclasses look their module up
    monkeypatch.setitem(sys.modules, "page", module)
    vars(module).update(given_names())
    for number, block in enumerate(blocks(page)):
        exec(compile(block, f"{page}, block {number}", "exec"), vars(module))
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    for test in tests:
        test()


@pytest.fixture(scope="module")
def made() -> Iterator[dict[str, ModuleType]]:
    """The modules that make pages, by name."""
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
    assert set(pictures) == {kind.__name__ for kind in T.TRANSFORMS}
    for name, picture in pictures.items():
        stored = np.asarray(Image.open(DOCS / "images" / "gallery" / f"{name}.png"))
        np.testing.assert_array_equal(stored, np.asarray(Image.open(io.BytesIO(picture))), err_msg=name)


def test_links_lead_somewhere() -> None:
    for page in [*DOCS.glob("**/*.md"), ROOT / "README.md"]:
        text = re.sub(r"```.*?```|`[^`]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"
