"""Curves of metrics for TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from augsynth.errors import ArgumentError, PluginError
from augsynth.generators.training.history import Listener


def require_tensorboard(folder: Path | None) -> None:
    """Raise an error if curves are asked for and cannot be written.

    Args:
        folder: folder for TensorBoard's files, or None for no curves.
    """
    if folder is None:
        return
    _summary_writer()
    existing = next((path for path in (folder, *folder.parents) if path.exists()), None)
    if existing is not None and not existing.is_dir():
        raise ArgumentError(f"log_dir={str(folder)!r}: {existing} is a file; name a folder")


@contextmanager
def scalar_log(folder: Path, start: int) -> Iterator[Listener]:
    """Provide a function that writes the metrics of a step as scalars.

    Args:
        folder: folder for TensorBoard's files, which is created if it does not exist.
        start: number of steps so far. Later steps that an earlier run has written there are no longer shown.
    """
    with _summary_writer()(str(folder), purge_step=start + 1) as writer:

        def write(step: int, metrics: Mapping[str, float]) -> None:
            for name, value in metrics.items():
                writer.add_scalar(name, value, step)

        yield write


def _summary_writer() -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as cause:
        raise PluginError('log_dir needs tensorboard: pip install "augsynth[tensorboard]"') from cause
    return SummaryWriter
