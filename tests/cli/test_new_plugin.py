"""`augsynth plugins new`: the package that it writes installs, passes its own tests, and fits by its name."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from augsynth.cli import main
from augsynth.cli.new_plugin import KINDS
from augsynth.generators import load_generator, registry


@pytest.fixture(autouse=True)
def _fresh_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", registry.Registry())


@pytest.fixture
def _modules() -> Iterator[None]:
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("augsynth_a_"):
            del sys.modules[name]


def in_process(folder: Path, *arguments: object, site: Path | None = None) -> None:
    """Run a Python module in a process of its own, outside the source tree; fail with its output."""
    command = [sys.executable, "-m", *map(str, arguments)]
    environment = os.environ | ({} if site is None else {"PYTHONPATH": str(site)})
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def install(package: Path, site: Path) -> None:
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--target", site)
    in_process(package.parent, "pip", "install", *options, package)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("_modules")
def test_it_installs_and_fits_by_its_name(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plugins", "new", f"a-{kind}", "--kind", kind]) == 0
    assert f"wrote augsynth-a-{kind}; next: pip install" in capsys.readouterr().out
    install(tmp_path / f"augsynth-a-{kind}", tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    registry.refresh()
    described = importlib.metadata.metadata(f"augsynth-a-{kind}")
    assert described["Requires-Dist"] == "augsynth>=0.1"
    assert (tmp_path / "site" / f"augsynth_a_{kind}" / "py.typed").exists()
    steps = ["--steps", "3"]
    assert main(["fit", "--data", "digits", "--generator", f"a-{kind}", *steps, "--out", "model"]) == 0
    assert load_generator("model").sample(3).images.shape == (3, 1, 8, 8)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_passes_its_own_tests_and_is_clean(kind: str, tmp_path: Path) -> None:
    package = tmp_path / "package"
    assert main(["plugins", "new", f"a-{kind}", "--kind", kind, "--path", str(package)]) == 0
    site = tmp_path / "site"
    install(package, site)
    in_process(tmp_path, "pytest", "-q", package, site=site)
    for tool in ("ruff check", "ruff format --check", "mypy"):
        in_process(package, *tool.split())


REFUSED = {
    "My_GAN": "lower-case letters, digits and single hyphens.*for example 'my-gan'",
    "1gan": "begins with a letter.*for example 'gan'",
    "a--b": "single hyphens.*for example 'a-b'",
    "a.b": "lower-case letters",
    "../a": "lower-case letters.*for example 'a'",
    "ä": "lower-case letters",
    "": "lower-case letters",
    "augsynth-x": "augsynth- is put before it",
    "network": "NetworkGenerator is a class of augsynth",
    "cvae": "taken: augsynth-vae has a generator of that name",
    "gan": "taken: a package augsynth_gan is installed",
}


@pytest.mark.parametrize("name", REFUSED)
def test_names_that_do_not_do_are_refused_in_words(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plugins", "new", name]) == 2
    message = capsys.readouterr().err
    assert re.search(REFUSED[name], message), message
    assert not list(tmp_path.iterdir())


def test_words_of_python_are_good_names(tmp_path: Path) -> None:
    for name in ("none", "class", "import", "noise", "tensor"):
        assert main(["plugins", "new", name, "--path", str(tmp_path / name)]) == 0
        for file in (tmp_path / name).rglob("*.py"):
            compile(file.read_text(encoding="utf-8"), str(file), "exec")


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("mine")
    for taken in ("there", "file", "file/below"):
        assert main(["plugins", "new", "my-gan", "--path", str(tmp_path / taken)]) == 2
        assert capsys.readouterr().err.startswith("error: ")
    assert (tmp_path / "file").read_text() == "mine"
    assert not list((tmp_path / "there").iterdir())


def test_an_unknown_kind_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "new", "my-gan", "--kind", "netwrok", "--path", str(tmp_path / "x")]) == 2
    assert "--kind must be one of network, sampler, got 'netwrok' (did you mean 'network'?)" in capsys.readouterr().err
