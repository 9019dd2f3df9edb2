"""`augsynth sweep`: the best cheap control, synthetic arms against it, and a verdict that is confirmed."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from augsynth.cli.options import (
    Data,
    GeneratorOptions,
    ImageSize,
    Seed,
    check_folder,
    check_out,
    command_line,
    console,
    parse_ratios,
    parse_settings,
    print_data,
)
from augsynth.errors import ArgumentError

if TYPE_CHECKING:
    from augsynth.data.loading.datasets import ImageData
    from augsynth.evaluate.sweeping import Source, SweepResult

_UNITS = {"s": 1, "m": 60, "h": 3600}


def sweep(
    context: typer.Context,
    data: Data = "digits",
    per_class: Annotated[
        int | None, typer.Option(min=1, help="Real training images of each class; by default three quarters of all.")
    ] = None,
    generator: Annotated[
        list[str] | None,
        typer.Option(help="Generator to fit on the few real images; may be repeated. Default cvae."),
    ] = None,
    generator_from: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a generator that was fitted on other images; may be repeated."),
    ] = None,
    vary_from: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a generator that varies the few real images; may be repeated."),
    ] = None,
    classifier_from: Annotated[
        Path | None,
        typer.Option(help="Folder of a classifier that could be shared as well as a generator: a rival."),
    ] = None,
    unlabelled: Annotated[
        str | None,
        typer.Option(help="Further images without labels, as for --data: pseudo-labels are then a rival."),
    ] = None,
    policies: Annotated[
        str | None, typer.Option(help="Augmentation policies to choose the control from, with commas; default all.")
    ] = None,
    recipes: Annotated[
        str | None,
        typer.Option(help="Ways to use pools, with commas, as in pool,filled,selected; by default by class sizes."),
    ] = None,
    ratios: Annotated[str, typer.Option(help="Shares of synthetic images, with commas.")] = "0.25,0.5,0.8",
    seeds: Annotated[int, typer.Option(min=2, help="Repetitions to choose by.")] = 4,
    confirm_seeds: Annotated[int, typer.Option(min=2, help="New repetitions that confirm the winner.")] = 8,
    confirm_arms: Annotated[int, typer.Option(min=1, help="Number of the best synthetic arms that are confirmed.")] = 1,
    folds: Annotated[
        int | None, typer.Option(min=2, help="Confirm by a cross-validation with so many folds of the test part.")
    ] = None,
    fit_steps: Annotated[int, typer.Option(min=1, help="Steps of fitting a generator, for each seed.")] = 400,
    train_steps: Annotated[int, typer.Option(min=1, help="Steps of training each classifier.")] = 600,
    options: GeneratorOptions = None,
    budget: Annotated[
        str | None, typer.Option(help="Longest duration, as in 90s, 30m or 2h: repetitions and ratios are left out.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a processor.")] = None,
    image_size: ImageSize = None,
    max_per_class: Annotated[int, typer.Option(min=2, help="Largest number of images of each class to read.")] = 500,
    test_fraction: Annotated[
        float, typer.Option(help="Fraction of images for testing, unless there are train/ and test/ folders.")
    ] = 0.25,
    out: Annotated[Path, typer.Option(help="Folder for results, pools and trials; a later run continues.")] = Path(
        "out/sweep"
    ),
    seed: Seed = 0,
) -> None:
    """Find out whether synthetic images help over the best cheap alternative, and at which ratio.

    The sweep first looks for the best augmentation policy. It then tries synthetic images from each source at each
    ratio, and confirms the winner with new repetitions on a test part that nothing has used before.

    Example: `augsynth sweep --data photos/ --image-size 32 --per-class 20 --budget 30m`
    """
    from augsynth.data.loading.datasets import load_dataset
    from augsynth.evaluate import sweeping, write_results
    from augsynth.evaluate.sweeping.settings import processors

    check_out(out)
    settings = sweeping.SweepSettings(
        per_class=per_class,
        policies=tuple(sweeping.POLICIES) if policies is None else _names(policies),
        recipes=None if recipes is None else _names(recipes),
        ratios=parse_ratios(ratios),
        seeds=seeds,
        confirm_seeds=confirm_seeds,
        confirm_arms=confirm_arms,
        folds=folds,
        budget=None if budget is None else parse_duration(budget),
        workers=workers or processors(),
        seed=seed,
    )
    given = [*(generator_from or ()), *(vary_from or ())]
    sources = _fitted(generator if generator or given else ["cvae"], fit_steps, parse_settings(options))
    loaded = load_dataset(
        data, max_per_class=max_per_class, image_size=image_size, test_fraction=test_fraction, seed=seed
    )
    print_data(loaded)
    sources |= _given(generator_from or [], loaded) | _varying(vary_from or [])
    result = sweeping.sweep(
        loaded,
        sources,
        task=sweeping.SmallCNN(steps=train_steps),
        settings=settings,
        classifier=check_folder("--classifier-from", classifier_from, "a classifier") if classifier_from else None,
        unlabelled=load_dataset(unlabelled, image_size=image_size) if unlabelled else None,
        workdir=out,
    )
    report = write_results(result, out, command=command_line(context))
    _print_result(result)
    console.print(f"{sum(result.seconds.values()):.0f} s in all. Report: {report.resolve()}", soft_wrap=True)


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as "90s", "30m", "2h" or "90".

    Args:
        text: number, and a unit: s (default), m or h.

    >>> parse_duration("30m")
    1800.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None:
        raise ArgumentError(f"--budget expects a duration, as in 90s, 30m or 2h; got {text!r}")
    return float(match[1]) * _UNITS[match[2] or "s"]


def _names(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _fitted(names: list[str] | None, steps: int, options: dict[str, Any]) -> dict[str, Source]:
    from augsynth.evaluate.sweeping import OwnData

    return {name: OwnData(name, options, steps) for name in names or ()}


def _given(folders: list[Path], data: ImageData) -> dict[str, Source]:
    """Return given generators; one whose classes all have other names than those of the data is auxiliary."""
    from augsynth.evaluate.sweeping import Given
    from augsynth.generators import load_generator

    sources: dict[str, Source] = {}
    for folder in folders:
        path = check_folder("--generator-from", folder, "a fitted generator")
        names = load_generator(path).class_names
        other = names is not None and not set(names) & set(data.class_names)
        sources[str(folder)] = Given(str(path), kind="auxiliary" if other else "classes")
    return sources


def _varying(folders: list[Path]) -> dict[str, Source]:
    from augsynth.evaluate.sweeping import Varied

    return {
        f"varied by {path}": Varied(str(check_folder("--vary-from", path, "a fitted generator"))) for path in folders
    }


def _print_result(result: SweepResult) -> None:
    metric = result.verdict.metric
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("arm", no_wrap=True)
    for heading in (f"{metric} %", "change", "seeds"):
        table.add_column(heading, justify="right")
    found = result.to_dict()
    for row in found["controls"]:
        table.add_row(row["arm"], f"{100 * row['interval']['mean']:.1f}", "", str(len(row[metric])))
    for row in found["synthetic"]:
        change = _plus_minus(row["difference"])
        table.add_row(row["arm"], f"{100 * row['interval']['mean']:.1f}", change, str(len(row[metric])))
    console.print("Chosen by (images apart from the test part):")
    console.print(table)
    for arm, scores in result.confirmed.items():
        console.print(
            f"Test part, {len(scores)} new repetitions: {arm.name} {100 * fmean(s[metric] for s in scores):.1f}%"
        )
    for warning in result.warnings:
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)
    console.print(result.verdict.sentence, style="bold", soft_wrap=True)


def _plus_minus(interval: dict[str, float]) -> str:
    return f"{100 * interval['mean']:+.1f} ± {50 * (interval['high'] - interval['low']):.1f}"
