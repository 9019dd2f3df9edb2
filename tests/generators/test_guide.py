"""The first plugin in docs/generators.md is whole and short. (The blocks of the page run in test_documentation.py.)"""

from __future__ import annotations

import re
from pathlib import Path

GUIDE = Path(__file__).parents[2] / "docs" / "generators.md"


def test_the_plugins_of_the_guide_are_short() -> None:
    first, _, networks = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)[:3]
    assert "(Generator)" in first
    assert "(NetworkGenerator)" in networks
    assert len(first.splitlines()) <= 25
    assert len(networks.splitlines()) < 60
