"""The first plugin in docs/generators.md is whole and short. (The blocks of the page run in test_documentation.py.)"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from augsynth.generators import list_generators, registry

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = DOCS / "generators.md"


def blocks(language: str) -> list[str]:
    """Return the blocks of the guide in a language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def test_the_plugins_of_the_guide_are_short() -> None:
    first, _, networks = blocks("python")[:3]
    assert "(Generator)" in first
    assert "(NetworkGenerator)" in networks
    assert len(first.splitlines()) <= 25
    assert len(networks.splitlines()) < 60


def test_the_first_plugin_installs_with_its_test_beside_it(tmp_path: Path) -> None:
    package, site = tmp_path / "package", tmp_path / "site"
    package.mkdir()
    (package / "augsynth_neighbours.py").write_text(blocks("python")[0], encoding="utf-8")
    (package / "pyproject.toml").write_text(blocks("toml")[0], encoding="utf-8")
    tests = blocks("python no-run")[0] + MORE
    (package / "test_neighbours.py").write_text(tests, encoding="utf-8")
    run(tmp_path, "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target", site, package)
    assert not list(site.glob("test_*"))
    run(tmp_path, "pytest", "-q", "-p", "no:cacheprovider", package, PYTHONPATH=str(site))


def test_the_page_of_capabilities_knows_what_each_generator_declares() -> None:
    rows = re.findall(r"^\|(.*)\|$", (DOCS / "capabilities.md").read_text(encoding="utf-8"), re.MULTILINE)
    head, _, *body = ([cell.strip() for cell in row.split("|")] for row in rows)
    said = {
        name: {row[0].strip("`") for row in body if row[column] == "✓"}
        for column, names in enumerate(head)
        for name in re.findall(r"`(.*?)`", names)
    }
    packages = ("augsynth_gan.", "augsynth_vae.", "augsynth_diffusion.")
    ours = [info.name for info in list_generators() if info.value.startswith(packages)]
    assert said == {name: set(registry._REGISTRY.load(name).capabilities) for name in ours}


MORE = """

def test_it_is_installed():
    from augsynth.generators import create_generator

    assert type(create_generator("neighbours")) is Neighbours
"""


def run(folder: Path, *module: object, **variables: str) -> None:
    """Run a Python module in a process of its own, outside the source tree; fail with its output."""
    command = [sys.executable, "-m", *map(str, module)]
    environment = os.environ | variables
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
