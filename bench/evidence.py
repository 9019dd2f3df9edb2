"""Does synthetic data help? Sweeps in the settings in which it may, with the best cheap control and confirmed winners.

    python bench/evidence.py --data folder                        every setting that has no result yet
    python bench/evidence.py --data folder --only shared-digits   one of them, again

A colleague's generators were fitted on images that are in no other part of the sweep. Three fits with different seeds
take turns over the repetitions, so their differences are in the intervals. Results go to bench/results/evidence.json
and .md.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from augsynth.data import SyntheticPool
from augsynth.data.loading.datasets import ImageData, load_dataset
from augsynth.evaluate import (
    Classifier,
    Given,
    OwnData,
    SmallCNN,
    Source,
    SweepSettings,
    load_classifier,
    sweep,
    train_classifier,
)
from augsynth.evaluate.sharing import Colleague, divide, rival_accuracy
from augsynth.evaluate.sweeping.sources import Kind

RESULTS = Path(__file__).parent / "results"
FITS = 3


@dataclass(frozen=True)
class InTurn:
    """Several fits of one generator, which take turns over the repetitions."""

    fits: tuple[Given, ...]
    title: str
    kind: Kind = "classes"

    def pool(self, real: ImageData, seed: int, folder: Path) -> SyntheticPool:
        return self.fits[seed % len(self.fits)].pool(real, seed, folder)


@dataclass(frozen=True)
class Setting:
    """A setting: the user's data, its sources, and what is compared.

    Args:
        data: the user's images, with a test part.
        sources: synthetic sources by name.
        settings: settings of the sweep.
        facts: further measurements by name.
        task: training and scoring.
        classifier: what the colleague could share instead; None for nothing.
    """

    data: ImageData
    sources: dict[str, Source]
    settings: SweepSettings
    facts: dict[str, Any]
    task: SmallCNN = field(default_factory=SmallCNN)
    classifier: Classifier | None = None


SETTINGS: dict[str, Callable[[Path, Path], Setting]] = {}


def setting(name: str) -> Callable[[Callable[[Path, Path], Setting]], Callable[[Path, Path], Setting]]:
    """Return a decorator that adds a setting, a function of the folder of data and of a folder to work in."""

    def add(make: Callable[[Path, Path], Setting]) -> Callable[[Path, Path], Setting]:
        SETTINGS[name] = make
        return make

    return add


def digits() -> ImageData:
    """Return scikit-learn's digits with a test part."""
    return load_dataset("digits", test_fraction=0.25)


def mnist(folder: Path) -> ImageData:
    """Return MNIST10k at 14x14 pixels with a test part."""
    whole = load_dataset(folder / "mnist10k.npz", test_fraction=0.2)
    return replace(smaller(whole), test=smaller(whole.test))


def smaller(data: ImageData | None) -> ImageData:
    """Return images at half their size: means of 2x2 pixels."""
    assert data is not None
    count, height, width, channels = data.images.shape
    means = data.images.reshape(count, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))
    return replace(data, images=np.rint(means).astype(np.uint8))


def shared(data: ImageData, colleague: Colleague, per_class: int, work: Path, **settings: Any) -> Setting:
    """Return the setting in which a colleague shares a generator."""
    mine, others = divide(data)
    fits = tuple(colleague.share(others, work / "shared", seed=seed, progress=False) for seed in range(FITS))
    sources: dict[str, Source] = {"shared generator": InTurn(fits, f"{FITS} fits in turn: {fits[0].title}")}
    assert data.test is not None
    facts = {
        "images of the colleague": len(others),
        "a classifier trained on these images": rival_accuracy(others, data.test, steps=SmallCNN().steps),
    }
    return Setting(mine, sources, SweepSettings(per_class=per_class, ratios=(0.5, 0.8), **settings), facts)


@setting("shared-digits-5")
def shared_digits_5(folder: Path, work: Path) -> Setting:
    return shared(digits(), Colleague(), 5, work)


@setting("shared-digits-10")
def shared_digits_10(folder: Path, work: Path) -> Setting:
    return shared(digits(), Colleague(), 10, work)


def trained_on(images: ImageData) -> Classifier:
    """Return the classifier that a colleague with these images could share."""
    pixels = np.moveaxis(images.images, -1, 1)
    trained = train_classifier(pixels, images.labels, num_classes=images.num_classes, threads=1)
    with tempfile.TemporaryDirectory() as folder:
        trained.save(folder, class_names=images.class_names)
        return load_classifier(folder)


@setting("shared-digits-5-classifier")
def shared_digits_5_classifier(folder: Path, work: Path) -> Setting:
    """The colleague's classifier is a rival, and the pool is also tried in fine-tuning it."""
    made = shared(digits(), Colleague(), 5, work, recipes=("pool", "fine-tuned pool"))
    return replace(made, classifier=trained_on(divide(digits())[1]))


def some_classes(data: ImageData, labels: Sequence[int]) -> ImageData:
    """Return the images of some classes, numbered from 0, with their test part."""
    kept = data.take(np.flatnonzero(np.isin(data.labels, labels)))
    names = tuple(data.class_names[label] for label in labels)
    test = None if data.test is None else some_classes(data.test, labels)
    return replace(kept, labels=np.searchsorted(labels, kept.labels), class_names=names, test=test)


@setting("new-classes-digits-5")
def new_classes_digits_5(folder: Path, work: Path) -> Setting:
    """The user's classes are five digits; the colleague has the five others."""
    mine, others = some_classes(digits(), range(5, 10)), replace(some_classes(digits(), range(5)), test=None)
    shared_ones = (Colleague().share(others, work / "shared", seed=seed, progress=False) for seed in range(FITS))
    fits = tuple(replace(one, kind="auxiliary") for one in shared_ones)
    source = InTurn(fits, f"{FITS} fits in turn: {fits[0].title}", kind="auxiliary")
    settings = SweepSettings(per_class=5, ratios=(0.5, 0.8))
    return Setting(mine, {"generator of other classes": source}, settings, {}, classifier=trained_on(others))


@setting("own-digits-20")
def own_digits_20(folder: Path, work: Path) -> Setting:
    return Setting(digits(), {"own generator": OwnData()}, SweepSettings(per_class=20, ratios=(0.25, 0.5)), {})


@setting("shared-mnist-5")
def shared_mnist_5(folder: Path, work: Path) -> Setting:
    return shared(mnist(folder), Colleague(steps=1500), 5, work)


@setting("own-mnist-20")
def own_mnist_20(folder: Path, work: Path) -> Setting:
    settings = SweepSettings(per_class=20, ratios=(0.25, 0.5, 1.0))
    return Setting(mnist(folder), {"own generator": OwnData()}, settings, {})


def write(results: dict[str, Any]) -> None:
    """Write the results as JSON and as a table."""
    (RESULTS / "evidence.json").write_text(json.dumps(results, indent=2) + "\n")
    lines = [
        "# Where synthetic data helps",
        "",
        "Each row is a sweep: the best augmentation policy is found first, synthetic arms are compared with it,",
        "and the winner is confirmed with 8 new repetitions on an unseen test part. Differences are in points of",
        "accuracy, paired by repetition, with 95% t intervals.",
        "",
        "| setting | control | control, % | winner | difference | verdict |",
        "|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        verdict, (winner, control) = result["verdict"], result["confirmed"]
        found = verdict["difference"]
        lines.append(
            f"| {name} | {control['arm']} | {100 * control['interval']['mean']:.1f} | {winner['arm']} "
            f"| {100 * found['mean']:+.1f} ({100 * found['low']:+.1f} to {100 * found['high']:+.1f}) "
            f"| {verdict['answer']} |"
        )
    lines += ["", "Beside these:", ""]
    for name, result in results.items():
        for fact, value in result["facts"].items():
            shown = f"{value:.1%}" if isinstance(value, float) else value
            lines.append(f"* {name}: {fact}: {shown}.")
    (RESULTS / "evidence.md").write_text("\n".join([*lines, "", "Written by bench/evidence.py.", ""]))


def main(
    data: Annotated[Path | None, typer.Option(help="Folder with mnist10k.npz; by default AUGSYNTH_DATA.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A setting to measure again; may be repeated.")] = None,
    work: Annotated[Path, typer.Option(help="Folder for generators, pools and trials.")] = Path("out/evidence"),
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
) -> None:
    """Run the sweeps, and write the table after each."""
    folder = data or Path(os.environ.get("AUGSYNTH_DATA", "."))
    path = RESULTS / "evidence.json"
    results = json.loads(path.read_text()) if path.exists() else {}
    for name in only or [name for name in SETTINGS if name not in results]:
        started = time.perf_counter()
        made = SETTINGS[name](folder, work.absolute())
        settings = replace(made.settings, workers=workers)
        result = sweep(
            made.data,
            made.sources,
            task=made.task,
            settings=settings,
            classifier=made.classifier,
            workdir=work,
            progress=False,
        )
        results[name] = {**result.to_dict(), "facts": made.facts}
        write(results)
        typer.echo(f"{name}: {result.verdict} ({time.perf_counter() - started:.0f} s)")


if __name__ == "__main__":
    typer.run(main)
