"""Producers that fill the pool of the next epoch in the background: a thread, or a process of its own."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from augsynth.data.pools import writer
from augsynth.data.pools.request import PoolRequest
from augsynth.errors import PluginError, error_text
from augsynth.generators import Samples


@dataclass(frozen=True)
class Task:
    """Pool that is to be filled: samples of a request, from number `start` on."""

    folder: Path
    request: PoolRequest
    shard_size: int
    start: int

    def run(self, engine: Any = None, progress: bool = False) -> None:
        """Fill the pool, or finish it."""
        writer.create(self.folder, self.request, self.shard_size, True, progress, engine, self.start)


class Producer(Protocol):
    """Task that is being done in the background."""

    def __init__(self, task: Task) -> None: ...

    def result(self) -> None:
        """Wait for the end; raise the error of the task, if there was one."""

    def stop(self) -> None:
        """End the task, and wait until it has ended. What is finished is kept."""


class ThreadProducer:
    """Producer in a thread of this process.

    Args:
        task: the task.
    """

    def __init__(self, task: Task) -> None:
        self._stopped, self._task = threading.Event(), task
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="augsynth-refresh", daemon=True)
        self._thread.start()

    def result(self) -> None:
        """Wait for the end; raise the error of the task, if there was one."""
        self._thread.join()
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """End the task after its current shard, and wait until it has ended."""
        self._stopped.set()
        self._thread.join()

    def draw(self, samples: Callable[[int], Samples], numbers: Iterable[int]) -> Iterator[tuple[int, Samples]]:
        """Draw shard by shard, as the engine of the pool, until the producer is stopped."""
        for number in numbers:
            if self._stopped.is_set():
                raise InterruptedError("the background producer was stopped")
            yield number, samples(number)

    def _run(self) -> None:
        try:
            self._task.run(engine=self)
        except BaseException as error:
            self._error = error


class ProcessProducer:
    """Producer in a process of its own, which is started anew (spawn) and ends with this one.

    Args:
        task: the task; its generator must be one that can be pickled.
    """

    def __init__(self, task: Task) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._messages, sender = spawn.Pipe(duplex=False)
        on_cpu = replace(task, request=replace(task.request, device=task.request.device or "cpu"))
        self._process = spawn.Process(target=_run, args=(on_cpu, sender), name="augsynth-refresh", daemon=True)
        self._process.start()
        sender.close()

    def result(self) -> None:
        """Wait for the end; raise an error with the text of the task's, if there was one."""
        try:
            message = self._messages.recv()
        except EOFError:
            message = f"it ended with exit code {self._exit_code()}"
        self._process.join()
        if message is not None:
            raise PluginError(f"the background producer of the pool failed: {message}")

    def stop(self) -> None:
        """End the process, and wait until it has ended."""
        self._process.terminate()
        self._process.join()

    def _exit_code(self) -> int | None:
        self._process.join()
        return self._process.exitcode


def _run(task: Task, sender: Any) -> None:
    try:
        task.run()
        sender.send(None)
    except BaseException as error:
        sender.send(error_text(error))
