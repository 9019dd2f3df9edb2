"""Checkpoints whose bytes were changed on purpose, with digests that fit, are refused in words and claim no memory."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import os
import pickle
import resource
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from generators.test_claims import forge
from generators.toy import ClassMean, TinyDecoder
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import TensorDataset

from augsynth.errors import CheckpointError
from augsynth.generators import NetworkGenerator

SPARE = 2**18
"""Kilobytes by which the process may grow at most, where gigabytes are claimed."""
FIT: dict[str, Any] = {"steps": 2, "batch_size": 8, "device": "cpu", "progress": False}


@pytest.fixture(autouse=True)
def _nothing_large_is_allocated() -> Iterator[None]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < SPARE


def _dataset() -> TensorDataset:
    pixels = torch.randint(0, 256, (30, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return TensorDataset(pixels, torch.arange(30) % 3)


@cache
def _sound(kind: type[NetworkGenerator]) -> tuple[dict[str, bytes], str]:
    """Files of a sound checkpoint with its training state, and the digest of its generator."""
    with tempfile.TemporaryDirectory() as folder:
        generator = kind()
        generator.fit(_dataset(), checkpoint_dir=folder, **FIT)
        return {file.name: file.read_bytes() for file in Path(folder).iterdir()}, generator.digest()


def _write(folder: Path, kind: type[NetworkGenerator], weights: bytes | None = None) -> None:
    """Write a sound checkpoint, or one with other bytes in the place of its weights and a digest that fits them."""
    files, _ = _sound(kind)
    for name, data in files.items():
        other = weights is not None and name.startswith("weights-")
        (folder / name).write_bytes(weights if weights is not None and other else data)
    if weights is not None:
        sha256 = hashlib.sha256(weights).hexdigest()
        forge(folder, lambda content: content["weights"].update(sha256=sha256))


def _load(folder: Path, kind: type[NetworkGenerator]) -> str | None:
    """Return the digest of what is loaded, or None if it is refused."""
    words = ""
    try:
        return kind.load(folder).digest()
    except CheckpointError as refusal:
        words = str(refusal)
    assert str(folder) in words
    assert len(words) < 2000
    return None


def _file(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file: the length of its header, the header and the data."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def _parts(weights: bytes) -> tuple[dict[str, Any], bytes]:
    size = int.from_bytes(weights[:8], "little")
    return json.loads(weights[8 : 8 + size]), weights[8 + size :]


def _entry(**changes: Any) -> Callable[[bytes], bytes]:
    """Change the first tensor's entry in the header."""

    def change(weights: bytes) -> bytes:
        header, data = _parts(weights)
        next(entry for name, entry in header.items() if name != "__metadata__").update(changes)
        return _file(header, data)

    return change


def _overlap(weights: bytes) -> bytes:
    header, data = _parts(weights)
    names = [name for name in header if name != "__metadata__"]
    header[names[1]]["data_offsets"] = header[names[0]]["data_offsets"]
    return _file(header, data)


def _renamed(name: str) -> Callable[[bytes], bytes]:
    def rename(weights: bytes) -> bytes:
        header, data = _parts(weights)
        header[name] = header.pop(next(name for name in header if name != "__metadata__"))
        return _file(header, data)

    return rename


def _pickled(weights: bytes) -> bytes:
    return pickle.dumps(_Harmful())


class _Harmful:
    """A pickle that makes a file named "harm" when it is loaded."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("harm",)


def _saved_by_torch(weights: bytes) -> bytes:
    stream = io.BytesIO()
    torch.save({"means.total": torch.zeros(3)}, stream)
    return stream.getvalue()


def _zip_bomb(weights: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data.pkl", bytes(2**26))
    return stream.getvalue()


HOSTILE: dict[str, Callable[[bytes], bytes]] = {
    "nothing": lambda weights: b"",
    "seven bytes": lambda weights: weights[:7],
    "half": lambda weights: weights[: len(weights) // 2],
    "one byte less": lambda weights: weights[:-1],
    "one byte more": lambda weights: weights + b"\0",
    "a pickle": _pickled,
    "a file of torch.save": _saved_by_torch,
    "a zip bomb": _zip_bomb,
    "a header of no bytes": lambda weights: _file(b"", weights),
    "a header of exabytes": lambda weights: _file(*_parts(weights), length=2**63),
    "a header of all bytes": lambda weights: _file(*_parts(weights), length=2**64 - 1),
    "a header of gigabytes": lambda weights: _file(*_parts(weights), length=2**33),
    "a header beyond the file": lambda weights: _file(*_parts(weights), length=len(weights)),
    "a list as header": lambda weights: _file([], _parts(weights)[1]),
    "no JSON": lambda weights: _file(b"{" * 50, _parts(weights)[1]),
    "no text": lambda weights: _file(b"\xff\xfe" * 20, _parts(weights)[1]),
    "a deep header": lambda weights: _file(b'{"a":' * 90_000 + b"1" + b"}" * 90_000),
    "deep metadata": lambda weights: _file(b'{"__metadata__":' + b"[" * 10**5 + b"]" * 10**5 + b"}"),
    "a hundred thousand tensors": lambda weights: _file(
        {str(k): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for k in range(10**5)}
    ),
    "tensors that overlap": _overlap,
    "a tensor beyond the file": _entry(data_offsets=[0, 2**40]),
    "a tensor that ends before it begins": _entry(data_offsets=[768, 0]),
    "a tensor before the file": _entry(data_offsets=[-768, 0]),
    "offsets beyond numbers": _entry(data_offsets=[0, 2**70]),
    "no offsets": _entry(data_offsets=None),
    "a shape of petabytes": _entry(shape=[2**25, 2**25]),
    "a shape whose product is its size, modulo 2**64": _entry(shape=[2**62, 4, 2**62, 4, 3]),
    "a negative shape": _entry(shape=[-3, -1, 8, 8]),
    "a shape of fractions": _entry(shape=[1.5]),
    "a hundred thousand dimensions": _entry(shape=[1] * 10**5),
    "an unknown dtype": _entry(dtype="PICKLE"),
    "another dtype": _entry(dtype="I32"),
    "a dtype of fewer bytes": _entry(dtype="U8"),
    "an unknown tensor": _renamed("evil"),
    "a tensor without name": _renamed(""),
    "a name with a path": _renamed("../../evil"),
    "a name of a megabyte": _renamed("x" * 10**6),
    "a name that sets an attribute": _renamed("means.__class__"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_weights_that_are_no_weights_are_refused(case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "saved").mkdir()
    weights = next(data for name, data in _sound(ClassMean)[0].items() if name.startswith("weights-"))
    _write(tmp_path / "saved", ClassMean)
    assert _load(tmp_path / "saved", ClassMean) == _sound(ClassMean)[1]
    _write(tmp_path / "saved", ClassMean, HOSTILE[case](weights))
    assert _load(tmp_path / "saved", ClassMean) is None
    assert not (tmp_path / "harm").exists()


NAMES: list[Any] = [
    "..",
    "/",
    "",
    ".",
    "../outside.safetensors",
    "/etc/passwd",
    "/dev/zero",
    "config.json",
    "a\0b",
    "\ud800",
    "x" * 5000,
    None,
    7,
    ["a"],
    {"a": 1},
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_names_of_files_lead_nowhere_else(name: Any, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    _write(folder, ClassMean)
    (tmp_path / "outside.safetensors").write_bytes(next(folder.glob("weights-*")).read_bytes())
    next(folder.glob("weights-*")).unlink()
    forge(folder, lambda content: content["weights"].update(file=name))
    assert _load(folder, ClassMean) is None


def test_links_are_read_and_not_written_through(tmp_path: Path) -> None:
    """Caches of models have links in place of files. A writer replaces them, and what they lead to stays as it was."""
    folder, store, mine = tmp_path / "saved", tmp_path / "store", tmp_path / "mine.txt"
    folder.mkdir()
    store.mkdir()
    mine.write_text("mine")
    _write(store, ClassMean)
    for file in store.iterdir():
        (folder / file.name).symlink_to(file)
    assert _load(folder, ClassMean) == _sound(ClassMean)[1]
    for name in (".config.json.partial", ".weights-0.safetensors.partial"):
        (folder / name).symlink_to(mine)
    before = {file.name: file.read_bytes() for file in store.iterdir()}
    ClassMean.load(folder).save(folder)
    assert mine.read_text() == "mine"
    assert {file.name: file.read_bytes() for file in store.iterdir()} == before
    assert not any(file.is_symlink() for file in folder.iterdir())


@pytest.mark.parametrize("where", ["/dev/zero", "/dev/random", "fifo", "socket", "loop", "nowhere"])
@pytest.mark.parametrize("which", ["config.json", "weights-*"])
def test_links_to_what_is_no_file_are_refused(which: str, where: str, tmp_path: Path) -> None:
    _write(tmp_path, ClassMean)
    file = next(tmp_path.glob(which))
    file.unlink()
    os.mkfifo(tmp_path / "fifo")
    file.symlink_to({"loop": file, "nowhere": tmp_path / "none"}.get(where, tmp_path / where))
    assert _load(tmp_path, ClassMean) is None


Bytes = st.tuples(st.integers(0, 2**16), st.sampled_from(["change", "insert", "remove", "cut"]), st.binary(max_size=4))


def _mutated(data: bytes, changes: list[tuple[int, str, bytes]], most: int) -> bytes:
    """Change bytes at some of the first `most` positions."""
    for position, kind, other in changes:
        at = position % max(1, min(len(data), most))
        if kind == "cut":
            data = data[:at]
        else:
            after = at + {"change": len(other), "insert": 0, "remove": 3}[kind]
            data = data[:at] + (b"" if kind == "remove" else other) + data[after:]
    return data


@given(st.lists(Bytes, min_size=1, max_size=3))
def test_a_config_with_changed_bytes_gives_the_same_generator_or_none(changes: list[tuple[int, str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        _write(Path(name), TinyDecoder)
        config = Path(name) / "config.json"
        config.write_bytes(_mutated(config.read_bytes(), changes, 2**16))
        assert _load(Path(name), TinyDecoder) in (None, _sound(TinyDecoder)[1])


@given(st.lists(Bytes, min_size=1, max_size=3))
def test_weights_with_a_changed_header_are_the_right_tensors_or_none(changes: list[tuple[int, str, bytes]]) -> None:
    weights = next(data for name, data in _sound(TinyDecoder)[0].items() if name.startswith("weights-"))
    with tempfile.TemporaryDirectory() as name:
        _write(Path(name), TinyDecoder, _mutated(weights, changes, 8 + len(_parts(weights)[0]) * 90))
        if _load(Path(name), TinyDecoder) is not None:
            assert TinyDecoder.load(name).sample(2).images.shape == (2, 1, 8, 8)


Json = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**70), 2**70),
        st.sampled_from([0, -1, 2**31, 2**63, 10**30, 1e308, -0.5]),
        st.text(max_size=5),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def _paths(content: Any) -> list[tuple[Any, ...]]:
    """Paths to all values in a JSON content."""
    pairs = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [(), *((key, *rest) for key, value in pairs for rest in _paths(value))]


def _replaced(content: Any, position: int, value: Any) -> Any:
    paths = _paths(content)[1:]
    *way, last = paths[position % len(paths)]
    changed = copy.deepcopy(content)
    owner = changed
    for key in way:
        owner = owner[key]
    owner[last] = value
    return changed


@given(st.integers(0, 10**6), Json, st.booleans())
def test_a_forged_config_is_loaded_and_resumed_or_refused_in_words(position: int, value: Any, resumes: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write(folder, TinyDecoder)
        changed = _replaced(json.loads((folder / "config.json").read_text()), position, value)
        (folder / "config.json").write_text(json.dumps(changed))
        with suppress(KeyError, TypeError, ValueError, AttributeError):  # where the places of the digests are gone
            forge(folder, lambda content: None)
        if not resumes:
            _load(folder, TinyDecoder)
            return
        with suppress(CheckpointError):
            TinyDecoder().fit(_dataset(), checkpoint_dir=folder, resume=True, **{**FIT, "steps": 3})
