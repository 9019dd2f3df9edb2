"""`augsynth plugins new`: a package with a small, complete generator, to be changed into one of the user's own."""

from __future__ import annotations

import importlib.util
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from augsynth.core.checks import check_choice
from augsynth.errors import ArgumentError, shown

KINDS: dict[str, dict[str, str]] = {
    "network": {
        "summary": "a class-conditional variational autoencoder",
        "fit_hint": ", epochs=50",
        "fit_options": "steps=600, ",
        "few_steps": "steps=2, ",
        "tiny": "latent=4, width=16",
        "option": "width",
    },
    "sampler": {
        "summary": "a Gaussian of each class on its principal components",
        "fit_hint": "",
        "fit_options": "",
        "few_steps": "",
        "tiny": "components=4",
        "option": "components",
    },
}
"""Kinds of plugins, and what their texts differ in."""

# Templates of the files, by path; None for an empty file. Values stand in braces.
_FILES: dict[str, str | None] = {
    "pyproject.toml": "pyproject.txt",
    "README.md": "readme.txt",
    ".gitignore": "gitignore",
    "{module}/__init__.py": "init.txt",
    "{module}/generator.py": "{kind}.txt",
    "{module}/py.typed": None,
    "tests/test_{word}.py": "test.txt",
}
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write_plugin(name: str, kind: str, folder: Path | None) -> Path:
    """Write the package of a new generator, and return its folder.

    Args:
        name: name of the generator: lower-case letters, digits and single hyphens.
        kind: "network" for a `NetworkGenerator`, "sampler" for a `Generator` without networks.
        folder: folder of the package, which must not exist; None for "augsynth-NAME" in the working folder.
    """
    values = _values(name, check_choice("--kind", kind, KINDS))
    folder = Path(values["distribution"]) if folder is None else folder
    if folder.exists():
        raise ArgumentError(f"{folder} exists already: name another folder with --path")
    _require_free(values)
    for path, template in _FILES.items():
        file = folder / path.format(**values)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("" if template is None else _text(template.format(**values), values), encoding="utf-8")
    return folder


def _text(template: str, values: dict[str, str]) -> str:
    source = (files("augsynth.cli") / "templates" / template).read_text(encoding="utf-8")
    return Template(source).substitute(values)


def _values(name: str, kind: str) -> dict[str, str]:
    """Return what the templates name. Raises `ArgumentError` for a name that is not allowed."""
    if not _NAME.fullmatch(name):
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-0123456789")
        near = f" (for example {plain!r})" if _NAME.fullmatch(plain) else ""
        raise ArgumentError(
            f"the name of a generator has lower-case letters, digits and single hyphens, and begins with a letter; "
            f"got {shown(name)}{near}"
        )
    if name.startswith("augsynth-") or name == "augsynth":
        raise ArgumentError(f"NAME is the name of the generator alone, and augsynth- is put before it; got {name!r}")
    if name == "network":
        raise ArgumentError("the name 'network' is taken: NetworkGenerator is a class of augsynth")
    word = name.replace("-", "_")
    camel = "".join(part.capitalize() for part in name.split("-"))
    return {
        "name": name,
        "kind": kind,
        "word": word,
        "distribution": f"augsynth-{name}",
        "module": f"augsynth_{word}",
        "class_name": f"{camel}Generator",
        "config_name": f"{camel}Config",
        **KINDS[kind],
    }


def _require_free(values: dict[str, str]) -> None:
    """Raise `ArgumentError` if an installed package has the name already."""
    from augsynth.generators import list_generators

    for info in list_generators():
        if info.name == values["name"]:
            raise ArgumentError(f"the name {info.name!r} is taken: {info.distribution} has a generator of that name")
    if importlib.util.find_spec(values["module"]) is not None:
        raise ArgumentError(f"the name {values['name']!r} is taken: a package {values['module']} is installed")
