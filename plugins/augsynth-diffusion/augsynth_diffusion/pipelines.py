"""Opening a pipeline of the library diffusers from a local folder: nothing is downloaded, unpickled or run from it."""

from __future__ import annotations

import hashlib
import importlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from augsynth.errors import ArgumentError, DataError, PluginError, error_text, shown

INDEX = "model_index.json"
READ = {".json", ".model", ".safetensors", ".txt"}
"""Suffixes of the files that a pipeline is made of. Others, such as pickled weights, are never read."""


def library(name: str) -> Any:
    """Import diffusers or one of the libraries that it needs. Raises `PluginError` that names the extra.

    Args:
        name: name of the module.
    """
    try:
        return importlib.import_module(name)
    except ImportError as cause:
        raise PluginError(
            f"pretrained pipelines need the library {name}, which cannot be imported ({error_text(cause)}); "
            'install it with pip install "augsynth-diffusion[diffusers]"'
        ) from cause


def open_pipeline(path: str, dtype: torch.dtype) -> Any:
    """Open the pipeline of a folder, on the CPU and in eval mode. Raises `ArgumentError` or `DataError`.

    Only safetensors, JSON and vocabularies are read. A pipeline with code of its own is refused.

    Args:
        path: folder with a `model_index.json`, as `save_pretrained` or a download of a whole model writes it.
        dtype: floating-point type of the weights.
    """
    folder = Path(path)
    if not (folder / INDEX).is_file():
        raise ArgumentError(
            f"path must be the folder of a pipeline, with a {INDEX}, got {shown(path)}. Nothing is downloaded: get a "
            "model once, for example with `hf download OWNER/MODEL --local-dir FOLDER`, and give path=FOLDER"
        )
    components(folder)
    diffusers = library("diffusers")
    with _without_progress_bars():
        try:
            pipeline = diffusers.DiffusionPipeline.from_pretrained(
                str(folder), dtype=dtype, local_files_only=True, use_safetensors=True
            )
        except Exception as cause:
            raise DataError(f"diffusers cannot open the pipeline in {path}: {error_text(cause)}") from cause
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def components(folder: Path) -> list[str]:
    """Return the names of a pipeline's components. Raises `DataError` for one that is not of a known library.

    Args:
        folder: folder of the pipeline.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except ValueError as cause:
        raise DataError(f"{folder / INDEX} is not JSON: {cause}") from cause
    if not isinstance(index, Mapping) or not isinstance(index.get("_class_name"), str):
        raise DataError(f"{folder / INDEX} must name the class of a pipeline of diffusers as _class_name")
    names = []
    for name, value in index.items():
        if not isinstance(value, list) or value == [None, None] or name.startswith("_"):
            continue
        # diffusers imports the library that the index names. Its own pipelines have modules of components, too.
        if len(value) != 2 or not _is_known(value[0]) or not name.isidentifier():
            raise DataError(
                f"component {shown(name)} of {folder / INDEX} is {shown(value)}; expected a class of diffusers or of "
                "transformers, as code in a model's folder is never run"
            )
        names.append(name)
    return names


def _is_known(module: Any) -> bool:
    if module in ("diffusers", "transformers"):
        return True
    pipelines = library("diffusers.pipelines")
    return isinstance(module, str) and module.isidentifier() and hasattr(pipelines, module)


def load_lora(pipeline: Any, path: str, scale: float) -> None:
    """Add the weights of a LoRA to those of a pipeline.

    Hu et al., "LoRA: low-rank adaptation of large language models", ICLR 2022: W + scale · B A.

    Args:
        pipeline: the pipeline, which changes.
        path: the safetensors file.
        scale: factor of the difference; 0 changes nothing.
    """
    file = Path(path)
    if file.suffix != ".safetensors" or not file.is_file():
        raise ArgumentError(f"lora must be a safetensors file, got {shown(path)}")
    library("peft")
    try:
        pipeline.load_lora_weights(str(file.parent), weight_name=file.name, local_files_only=True, use_safetensors=True)
        pipeline.fuse_lora(lora_scale=scale)
        pipeline.unload_lora_weights()
    except Exception as cause:
        raise DataError(f"the LoRA weights in {path} do not fit the pipeline: {error_text(cause)}") from cause


def files_of(path: str) -> dict[str, Path]:
    """Return the files that are read of a pipeline, by their names in its folder.

    Args:
        path: folder of the pipeline.
    """
    folder = Path(path)
    found = [folder / INDEX, *(file for name in components(folder) for file in (folder / name).rglob("*"))]
    return {file.relative_to(folder).as_posix(): file for file in found if file.suffix in READ and file.is_file()}


def digest_of_files(files: Mapping[str, Path]) -> Tensor:
    """Compute the SHA-256 of names and contents of files, uint8 (32,).

    Args:
        files: files by name.
    """
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{_sha256(files[name])}\n".encode())
    return torch.frombuffer(bytearray(digest.digest()), dtype=torch.uint8)


def _sha256(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    """Silence the bars that both libraries show while they load files."""
    logs = [library(f"{name}.utils.logging") for name in ("diffusers", "transformers")]
    silenced = [log for log in logs if log.is_progress_bar_enabled()]
    for log in silenced:
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log in silenced:
            log.enable_progress_bar()
