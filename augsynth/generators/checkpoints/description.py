"""Facts about a generator that a checkpoint stores beside its weights."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from augsynth._native.layout import MAX_CHANNELS
from augsynth.errors import ArgumentTypeError, shown

# Larger numbers in a damaged file are refused.
_VALUES = 2**28
_CLASSES = 2**31


@dataclass(frozen=True)
class Description:
    """Facts about a generator that `config.json` stores.

    Args:
        name: name of the generator.
        class_path: "module:class".
        api_version: version of the contract that it was written for.
        config: options by name, JSON-ready.
        image_shape: (C, H, W).
        num_classes: number of classes, or None.
        class_names: one name for each class; None (default) if they are not known.
    """

    name: str
    class_path: str
    api_version: int
    config: dict[str, Any]
    image_shape: tuple[int, int, int]
    num_classes: int | None
    class_names: tuple[str, ...] | None = None

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Description:
        """Read the fields, and check that their values are possible. Raises `KeyError` or `ValueError`.

        Args:
            content: content of a `config.json`.
        """
        required = [field.name for field in dataclasses.fields(cls) if field.default is dataclasses.MISSING]
        fields = {name: content[name] for name in required}
        kinds: dict[str, type] = {"name": str, "class_path": str, "api_version": int, "config": dict}
        for name, kind in kinds.items():
            if type(fields[name]) is not kind:
                raise ValueError(f"{name} is {shown(fields[name])}")
        shape, classes = fields["image_shape"], fields["num_classes"]
        if not _is_shape(shape):
            raise ValueError(f"image_shape is {shown(shape)}")
        if classes is not None and not (type(classes) is int and 1 <= classes <= _CLASSES):
            raise ValueError(f"num_classes is {shown(classes)}")
        names = content.get("class_names")
        if names is not None and not (_are_texts(names) and len(names) == classes):
            raise ValueError(f"class_names is {shown(names)}, of {classes} classes")
        return cls(**{**fields, "image_shape": tuple(shape), "class_names": names and tuple(names)})

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON returns them: tuples become lists. Unknown names of classes are left out."""
        content: dict[str, Any] = json.loads(as_json(dataclasses.asdict(self)))
        if self.class_names is None:  # older checkpoints have none, and their digests stay the same
            del content["class_names"]
        return content

    def digest(self, weights_sha256: str) -> str:
        """Return the SHA-256 of the generator. Names of classes do not count: the same weights stay the same generator.

        Args:
            weights_sha256: SHA-256 of the weights, as hexadecimal digits.
        """
        described = {name: value for name, value in self.as_json().items() if name != "class_names"}
        head = json.dumps(described, sort_keys=True)
        return hashlib.sha256(head.encode() + b"\0" + bytes.fromhex(weights_sha256)).hexdigest()

    def names_digest(self) -> str | None:
        """Return the SHA-256 of the names of the classes, or None if they are not known."""
        names = self.class_names
        return None if names is None else hashlib.sha256(json.dumps(names).encode()).hexdigest()


def _are_texts(names: Any) -> bool:
    return isinstance(names, list) and all(isinstance(name, str) for name in names)


def _is_shape(shape: Any) -> bool:
    if not isinstance(shape, list) or len(shape) != 3 or not all(type(side) is int and side >= 1 for side in shape):
        return False
    return shape[0] <= MAX_CHANNELS and math.prod(shape) <= _VALUES


def as_json(content: Mapping[str, Any]) -> str:
    """Return the text of a JSON file; raise `ArgumentTypeError` for values that are not JSON-ready.

    Args:
        content: content of the file.
    """
    try:
        return json.dumps(content, indent=2, allow_nan=False) + "\n"
    except (TypeError, ValueError) as cause:
        raise ArgumentTypeError(f"the options of a generator must be JSON-ready and finite: {cause}") from cause
