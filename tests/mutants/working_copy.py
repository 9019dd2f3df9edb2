"""A copy of the repository that is broken, built and tested in place of the installed package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mutant import Mutant

REPOSITORY = Path(__file__).resolve().parents[2]
NOT_COPIED = shutil.ignore_patterns(".git", ".venv*", "build", "out", "__pycache__", ".*_cache", ".hypothesis")

# Most of a mutant's time is the compiler's. What is shared by all instruction sets is broken on the baseline too.
BUILD = ("cmake.define.AUGSYNTH_PORTABLE=ON", "cmake.define.CMAKE_CXX_FLAGS_RELEASE=-O1")


class WorkingCopy:
    def __init__(self, folder: Path) -> None:
        self._root = folder / "augsynth"
        self._site = folder / "site"
        self._objects = folder / "objects"
        # Compiled Python is told from its source by the second, within which a mutant may come and go.
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(self._site),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AUGSYNTH_HYPOTHESIS": "unshrunk",
        }
        shutil.copytree(REPOSITORY, self._root, ignore=NOT_COPIED)
        self._install()
        self._require_own_package()

    @contextmanager
    def broken(self, mutant: Mutant) -> Iterator[None]:
        """The copy with the mutant in it; a native one is built, and stays built until the next one is."""
        path = (self._root if mutant.is_native else self._site) / mutant.file
        text = path.read_text()
        path.write_text(mutant.broken(text))
        try:
            if mutant.is_native:
                self._compile()
            yield
        finally:
            path.write_text(text)

    def passes(self, where: str, expression: str) -> bool:
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-k", expression]
        done = self._run([*command, str(self._root / where)])
        if done.returncode > 1:
            raise SystemExit(f"pytest could not run {expression!r}:\n{done.stdout}{done.stderr}")
        return done.returncode == 0

    def _install(self) -> None:
        options = ["--no-build-isolation", "--no-deps", "--no-compile", "-q", "--disable-pip-version-check"]
        for setting in (f"build-dir={self._objects}", *BUILD):
            options += ["-C", setting]
        command = [sys.executable, "-m", "pip", "install", *options, "--target", str(self._site), str(self._root)]
        subprocess.run(command, check=True)

    def _compile(self) -> None:
        """Build what changed, and lay the extension over the one that is installed."""
        command = [sys.executable, "-m", "ninja", "-C", str(self._objects)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"the mutant does not compile:\n{done.stdout}")
        for extension in self._objects.glob("_cpu.*.so"):
            shutil.copy2(extension, self._site / "augsynth" / "_native")

    def _require_own_package(self) -> None:
        """An editable installation would be tested in place of the copy."""
        found = self._run([sys.executable, "-c", "import augsynth; print(augsynth.__file__)"]).stdout.strip()
        if not found.startswith(str(self._site)):
            raise SystemExit(f"the tests would import {found}: run this where augsynth is not installed as editable")

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        where = self._root / "tests"
        return subprocess.run(command, cwd=where, env=self._environment, capture_output=True, text=True, check=False)
