"""Pages of HTML from templates: one file each, which loads nothing."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from augsynth.evaluate.figures import missing_extra

_TEMPLATES = Path(__file__).parents[1] / "templates"


def render(template: str, **values: Any) -> str:
    """Return a page as HTML; needs jinja2 (the `demo` extra).

    Args:
        template: name of a file in `templates/`.
        values: values for the template by name.
    """
    try:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined
    except ImportError as error:
        raise missing_extra("jinja2") from error
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["minus"] = lambda text: str(text).replace("-", "\N{MINUS SIGN}")
    return environment.get_template(template).render(values)


def write_page(html: str, path: str | Path) -> Path:
    """Write a page, and return its path; names that are not UTF-8 are escaped.

    Args:
        html: the page.
        path: path of the file (UTF-8); missing folders are created.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(html, encoding="utf-8", errors="backslashreplace")
    return path


def data_url(image: bytes) -> str:
    """Return a PNG file as an address that an `img` element shows without loading anything.

    Args:
        image: bytes of the file.
    """
    return "data:image/png;base64," + base64.b64encode(image).decode("ascii")


def percent(share: float) -> str:
    """Return a share in percent: 0.9312 as "93.1%"."""
    return f"{100 * share:.1f}%"
