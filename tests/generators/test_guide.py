"""The plugin in docs/generators.md is whole, short, and conforms."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest

from augsynth.testing import check_generator

GUIDE = Path(__file__).parents[2] / "docs" / "generators.md"


def test_the_plugin_of_the_guide_conforms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert len(source.splitlines()) < 60
    (tmp_path / "augsynth_mlp.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    module = importlib.import_module("augsynth_mlp")
    try:
        check_generator(lambda: module.MLPGenerator.configure(width=16), spawn=False)
    finally:
        del sys.modules["augsynth_mlp"]
