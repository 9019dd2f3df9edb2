"""Share of a training step that is not the networks' own forward and backward.

    python bench/training_loop.py [--write]

Generators are fitted on noise of 28x28, with batches of 64, on one thread. Stopwatches around the parts of a step count
CPU time of the process. The first steps, which allocate memory, are left out. Times are the medians of the steps.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from torch.utils.data import TensorDataset

from augsynth.generators import Step, StepReport, create_generator
from augsynth.generators.toolkit import training_options
from augsynth.generators.training.averaging import MovingAverage

NAMES = ("cvae", "edm", "r3gan")
STEPS, SKIPPED = 64, 8
RESULTS = Path(__file__).parent / "results" / "training_loop.md"


class Stopwatch:
    """CPU seconds of each part of a step. A part does not count what a part inside of it counts."""

    def __init__(self) -> None:
        self.steps: list[dict[str, float]] = []
        self._parts: dict[str, float] = defaultdict(float)
        self._inner = [0.0]
        self._last = time.process_time()

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        start = time.process_time()
        self._inner.append(0.0)
        try:
            yield
        finally:
            spent = time.process_time() - start
            self._parts[name] += spent - self._inner.pop()
            self._inner[-1] += spent

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return call

    def end_step(self, report: StepReport) -> None:
        now = time.process_time()
        whole, self._last = now - self._last, now
        self.steps.append({"step": whole, **self._parts, "the rest": whole - sum(self._parts.values())})
        self._parts.clear()


def measure(name: str) -> dict[str, float]:
    """Return the milliseconds of a step and of its parts."""
    images = torch.randint(0, 256, (1000, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    generator, watch = create_generator(name), Stopwatch()
    generator.training_step = watch.timed("networks", generator.training_step)
    patches = {
        (training_options, "descend"): watch.timed("optimiser", training_options.descend),
        (torch.autograd, "backward"): watch.timed("networks", torch.autograd.backward),
        (MovingAverage, "update"): watch.timed("average", MovingAverage.update),
        (Step, "normal"): watch.timed("random numbers", Step.normal),
        (Step, "uniform"): watch.timed("random numbers", Step.uniform),
    }
    with ExitStack() as stack:
        for (owner, attribute), replacement in patches.items():
            stack.enter_context(mock.patch.object(owner, attribute, replacement))
        generator.fit(
            TensorDataset(images, torch.arange(1000) % 10),
            steps=STEPS,
            batch_size=64,
            device="cpu",
            callbacks=[watch.end_step],
        )
    counted = watch.steps[SKIPPED:]
    return {part: 1e3 * statistics.median(step.get(part, 0.0) for step in counted) for part in counted[0]}


def table(results: dict[str, dict[str, float]]) -> str:
    """Write the results as a table in Markdown."""
    parts = ["step", "networks", "optimiser", "average", "random numbers", "the rest"]
    lines = ["| generator | " + " | ".join(f"{part}, ms" for part in parts) + " | beside the networks |"]
    lines.append("| --- |" + " --- |" * (len(parts) + 1))
    for name, result in results.items():
        beside = sum(result[part] for part in parts[2:])
        share = beside / (beside + result["networks"])
        lines.append(f"| {name} | " + " | ".join(f"{result[part]:.2f}" for part in parts) + f" | {share:.1%} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write the results if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    parser.add_argument("--only", choices=NAMES, help="one generator")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    text = table({name: measure(name) for name in ([arguments.only] if arguments.only else NAMES)})
    print(text)
    if arguments.write:
        head = "# The training loop beside the networks\n\nWritten by `python bench/training_loop.py --write`.\n\n"
        RESULTS.write_text(f"{head}{text}\n\ntorch {torch.__version__}, one thread, batches of 64 images of 28x28.\n")


if __name__ == "__main__":
    main()
