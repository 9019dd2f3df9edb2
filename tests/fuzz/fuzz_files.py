"""Files from elsewhere: stored plans and JPEG pictures, cut off, with bits turned over, with hostile members."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from typing import Any

import numpy as np
from fuzz_corpus import any_image, any_key, any_pipeline
from fuzz_junk import FLOATS, TEXTS, Rng, any_array, mutated_array, pick
from fuzz_trials import RAN, TOO_LARGE, same_twice, too_large
from PIL import Image

from augsynth import transforms as T
from augsynth.data.loading.decoding import DecodingTransform
from augsynth.data.loading.encoded import EncodedImage
from augsynth.errors import AugsynthError, PlanError
from augsynth.plan import NUMPY_DTYPES, Plan

_SEED_FILES = 40
NAMES = ("0.luts", "1.rows", "0.parameters.sigma", "0.settings.x", "0.active", "0.operation", "9.", "")
SHAPES = (b"99999999999, ", b"999999, ", b"-1, ", b"(")


def damaged_plans(rng: Rng) -> str:
    """A stored plan, cut off or with some bytes changed."""
    return _load_and_run(rng, damaged(rng, _plan_file(int(rng.integers(_SEED_FILES)))))


def hostile_plans(rng: Rng) -> str:
    """A whole archive with members that no plan has, or with other contents."""
    with np.load(io.BytesIO(_plan_file(int(rng.integers(_SEED_FILES))))) as archive:
        members: dict[str, Any] = dict(archive)
    for _ in range(rng.integers(0, 3)):
        _spoil_members(rng, members)
    return _load_and_run(rng, _archive(rng, members))


@cache
def _plan_file(number: int) -> bytes:
    """A stored plan for a batch of two images; the same for a number, whatever was drawn before."""
    rng = np.random.default_rng(number)
    while True:
        file = io.BytesIO()
        try:
            shapes = [any_image(rng).shape] * 2
            any_pipeline(rng).plan(shapes, [any_key(rng), any_key(rng)]).save(file)
        except AugsynthError:  # a pipeline that does not fit its images, or holds a function
            continue
        return file.getvalue()


def damaged(rng: Rng, data: bytes) -> bytes:
    """The bytes cut off, some of them changed, or a part of them doubled or left out."""
    roll = rng.random()
    if roll < 0.1:
        return data[: rng.integers(len(data) + 1)]
    changed = bytearray(data)
    if roll < 0.2:
        first, last = sorted(rng.integers(0, len(data) + 1, 2).tolist())
        return bytes(pick(rng, (changed[:last] + changed[first:], changed[:first] + changed[last:])))
    for _ in range(int(pick(rng, (1, 1, 1, 2, 3, 20)))):
        # Headers are where readers are led astray; they stand at both ends.
        at = int(rng.integers(pick(rng, (len(data), 400)) or 1)) * pick(rng, (1, 1, -1)) % len(data)
        changed[at] = pick(rng, (0, 255, changed[at] ^ (1 << int(rng.integers(8))), int(rng.integers(256))))
    return bytes(changed)


def _spoil_members(rng: Rng, members: dict[str, Any]) -> None:
    name, roll = pick(rng, list(members)), rng.random()
    if roll < 0.1:
        del members[name]
    elif roll < 0.2:
        members[pick(rng, NAMES)] = any_array(rng)
    elif roll < 0.25 and "header" in members:
        members["header"] = np.array([0x4E4C5041, 3, pick(rng, (0, 1, 2, 3, 2**32 - 1))], np.uint32)
    elif roll < 0.3:
        members[name] = np.array([{"a": 1}, None], object)
    elif roll < 0.35:
        members[name] = np.array(pick(rng, TEXTS[:-5]))
    elif roll < 0.6 and members[name].dtype == np.uint8 and members[name].size:
        _spoil_numbers(rng, members, name)
    else:
        members[name] = np.asarray(mutated_array(rng, members[name]))


def _spoil_numbers(rng: Rng, members: dict[str, Any], name: str) -> None:
    """Put a hostile number somewhere into rows or tables that are stored as bytes."""
    changed = members[name].copy()
    flat = changed.reshape(-1)
    value = np.float64(float(pick(rng, FLOATS)))
    raw = np.frombuffer(value.tobytes() if rng.random() < 0.5 else rng.bytes(4), np.uint8)[: flat.size]
    at = int(rng.integers(0, flat.size - len(raw) + 1)) // 4 * 4
    flat[at : at + len(raw)] = raw[: flat.size - at]
    members[name] = changed


def _archive(rng: Rng, members: dict[str, Any]) -> bytes:
    """The archive of the members, at times packed, or with one that says it holds far more than it does."""
    file = io.BytesIO()
    packing = zipfile.ZIP_DEFLATED if rng.random() < 0.2 else zipfile.ZIP_STORED
    with zipfile.ZipFile(file, "w", packing) as archive:
        for name, array in members.items():
            member = io.BytesIO()
            np.save(member, array)
            data = member.getvalue()
            if rng.random() < 0.02:
                data = data.replace(b"'shape': (", b"'shape': (" + pick(rng, SHAPES))
            elif rng.random() < 0.01:
                data += bytes(2**24)
            archive.writestr(f"{name}.npy", data)
    return file.getvalue()


def _load_and_run(rng: Rng, data: bytes) -> str:
    plan = Plan.load(io.BytesIO(data))
    first = plan.passes[0].rows
    shapes = [(int(row["source_size"][0]), int(row["source_size"][1]), int(row["channels"])) for row in first]
    if too_large(plan) or any(height * width * channels > 2**22 for height, width, channels in shapes):
        return TOO_LARGE
    if len({int(row["source_dtype"]) for row in first}) > 1:
        raise PlanError("the rows of this plan are for images of several dtypes, of which no batch can be made")
    dtypes = [NUMPY_DTYPES[int(row["source_dtype"])] for row in first]  # type: ignore[index]
    sources = [rng.integers(0, 255, shape).astype(dtype) for shape, dtype in zip(shapes, dtypes, strict=True)]
    same_twice(lambda: T.Compose([]).apply(sources, plan))
    return RAN


def jpegs(rng: Rng) -> str:
    """A JPEG picture, cut off or with some bytes changed, decoded whole and in part."""
    data = _jpeg(int(rng.integers(_SEED_FILES)))
    if rng.random() < 0.9:
        data = damaged(rng, data)
    image = EncodedImage(data, mode=pick(rng, ("RGB", "L")))
    transform = DecodingTransform(any_pipeline(rng, 2), reduce=rng.random() < 0.5)
    key = any_key(rng)
    same_twice(lambda: transform(image, key=key))
    return RAN


@cache
def _jpeg(number: int) -> bytes:
    """A small picture in one of the kinds of JPEG that cameras and programs write."""
    rng = np.random.default_rng(number)
    size = (int(rng.integers(1, 60)), int(rng.integers(1, 60)))
    noise = Image.fromarray(rng.integers(0, 255, (*size, 3), np.uint8)).convert(pick(rng, ("RGB", "RGB", "L", "CMYK")))
    exif = Image.Exif()
    exif[0x0112] = int(rng.integers(0, 10))
    file = io.BytesIO()
    settings: dict[str, Any] = {"exif": exif} if rng.random() < 0.5 else {}
    noise.save(file, "jpeg", quality=70, progressive=rng.random() < 0.3, subsampling=int(rng.integers(3)), **settings)
    return file.getvalue()
