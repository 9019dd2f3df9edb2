"""Work in processes of its own, an answer for each name as it is found: what crashes or hangs costs one answer.

An error on a device leaves a process unable to use it, and a library may end its process or wait for ever. So a child
stops after a name that failed, and another goes on with those that are left.
"""

from __future__ import annotations

import json
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Timer
from typing import Any

MARK = "answer: "
PATIENCE = 120.0  # seconds without an answer


@dataclass(frozen=True)
class Answer:
    """Answer for a name, from JSON, or the reason why there is none."""

    name: str
    value: Any = None
    failed: str = ""


def answers(command: Sequence[str], names: Iterable[str], folder: str, patience: float = PATIENCE) -> Iterator[Answer]:
    """Yield one answer for each name, in order, from `command` followed by the names, run in `folder`."""
    left = list(names)
    while left:
        child = _Child([*command, *left], folder, patience)
        said = 0
        for answer in child.said():
            yield Answer(left.pop(0), **answer)
            said += 1
        if left and (child.status or not said):
            yield Answer(left.pop(0), failed=child.end())


class _Child:
    """Process that prints answers among other lines; it is ended after `patience` seconds of silence."""

    def __init__(self, command: Sequence[str], folder: str, patience: float) -> None:
        self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        self.patience = patience
        self.hung = False
        self.status = 0

    def said(self) -> Iterator[dict[str, Any]]:
        """Yield the answers, until the process ends."""
        assert self.process.stdout is not None
        with self.process:
            watch = self._watch()
            for line in self.process.stdout:
                if line.startswith(MARK):
                    watch.cancel()
                    yield json.loads(line.removeprefix(MARK))
                    watch = self._watch()
                else:
                    print(line, end="", flush=True)
            self.status = self.process.wait()
            watch.cancel()

    def end(self) -> str:
        """Return in words how the process ended."""
        if self.hung:
            return f"no answer within {self.patience:.0f} seconds"
        return f"its process ended with status {self.status}"

    def _watch(self) -> Timer:
        watch = Timer(self.patience, self._stop)
        watch.daemon = True
        watch.start()
        return watch

    def _stop(self) -> None:
        self.hung = True
        self.process.kill()


def answer_for(names: Iterable[str], work: Callable[[str], Any]) -> None:
    """Print an answer for each name, in the child process, until one fails."""
    for name in names:
        try:
            answer = {"value": work(name)}
        except Exception as error:
            traceback.print_exc()
            answer = {"failed": (str(error).strip() or type(error).__name__).splitlines()[0]}
        print(MARK + json.dumps(answer), flush=True)
        if "failed" in answer:
            sys.exit()
