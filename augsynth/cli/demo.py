"""`augsynth demo`: the experiment, from real images to a table and a report."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.table import Table

from augsynth.cli.options import (
    Data,
    GeneratorName,
    GeneratorOptions,
    ImageSize,
    PipelineFile,
    Seed,
    check_folder,
    check_out,
    command_line,
    console,
    parse_ratios,
    parse_settings,
    print_data,
)

if TYPE_CHECKING:
    from augsynth.evaluate.intervals import Interval
    from augsynth.evaluate.results import ExperimentResult
    from augsynth.evaluate.sweeping import Source


def demo(
    context: typer.Context,
    data: Data = "digits",
    per_class: Annotated[int, typer.Option(min=1, help="Number of real training images of each class.")] = 20,
    seeds: Annotated[int, typer.Option(min=2, help="Number of repetitions, with other training images each.")] = 5,
    ratios: Annotated[
        str, typer.Option(help="Shares of synthetic images to compare, above 0 and up to 1, separated by commas.")
    ] = "0.25,0.5",
    generator: GeneratorName = "cvae",
    generator_from: Annotated[
        Path | None,
        typer.Option(help="Folder of a generator that was fitted on other images; --generator is then not used."),
    ] = None,
    fit_steps: Annotated[int, typer.Option(min=1, help="Steps of fitting the generator, for each seed.")] = 400,
    train_steps: Annotated[int, typer.Option(min=1, help="Steps of training each classifier.")] = 600,
    options: GeneratorOptions = None,
    shared: Annotated[
        bool, typer.Option(help="Also try a generator fitted on half of the images, as if a colleague had shared it.")
    ] = True,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; by default one a processor.")] = None,
    pipeline: PipelineFile = None,
    image_size: ImageSize = None,
    max_per_class: Annotated[int, typer.Option(min=2, help="Largest number of images of each class to read.")] = 500,
    test_fraction: Annotated[
        float, typer.Option(help="Fraction of images for testing, unless there are train/ and test/ folders.")
    ] = 0.25,
    out: Annotated[Path, typer.Option(help="Folder for the report, the results and the pools.")] = Path("out/demo"),
    seed: Seed = 0,
) -> None:
    """Find out whether synthetic images help if there are few real ones.

    The demo sets a test part aside and draws a small training set. It fits a generator on these images only. Then it
    trains one small classifier on real images, on real images with augmentation, and on both with synthetic images, and
    compares them on the test part. It does the same with 5 images a class and a generator that was fitted on other
    images: a colleague shares a generator, not data. It writes a table and one HTML file for every outcome.

    Example: `augsynth demo --data photos/ --image-size 32 --per-class 20`
    """
    from augsynth.data.loading.datasets import load_dataset
    from augsynth.evaluate import Experiments, write_results
    from augsynth.evaluate.experiment import Settings, run_experiment
    from augsynth.evaluate.pipelines import read_pipeline
    from augsynth.evaluate.sharing import EXPLANATION, OWN, Colleague, run_shared
    from augsynth.evaluate.sweeping.settings import processors

    started = time.perf_counter()
    check_out(out)
    choices = parse_settings(options)
    settings = Settings(
        source=_source(generator, generator_from, choices, fit_steps),
        per_class=per_class,
        ratios=parse_ratios(ratios),
        seeds=seeds,
        train_steps=train_steps,
        pipeline=read_pipeline(pipeline) if pipeline else None,
        seed=seed,
        workers=workers or processors(),
    )
    loaded = load_dataset(
        data, max_per_class=max_per_class, image_size=image_size, test_fraction=test_fraction, seed=seed
    )
    print_data(loaded)
    results = [run_experiment(loaded, settings, out, setting=OWN if generator_from is None else "")]
    _print_result(results[0])
    if shared and generator_from is None:
        colleague = Colleague(generator, choices, 2 * fit_steps)
        results += run_shared(loaded, colleague, settings, out)
        for result in results[1:]:
            console.print()
            _print_result(result)
    explanation = EXPLANATION if len(results) > 1 else ""
    report = write_results(Experiments(results, explanation), out, command=command_line(context))
    console.print(f"{time.perf_counter() - started:.0f} s in all. Report: {report.resolve()}", soft_wrap=True)


def _source(generator: str, folder: Path | None, options: dict[str, Any], steps: int) -> Source:
    from augsynth.evaluate.sweeping import Given, OwnData

    if folder is None:
        return OwnData(generator, options, steps)
    path = check_folder("--generator-from", folder, "a fitted generator")
    return Given(str(path), title=f"the generator in {folder}")


def _print_result(result: ExperimentResult) -> None:
    from augsynth.evaluate.metrics import METRICS
    from augsynth.evaluate.results import BASELINE

    if result.setting:
        console.print(f"{result.setting}, {result.settings['images per class']} a class", style="bold")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    table.add_column("training set", no_wrap=True)
    first, *others = (metric.title for metric in METRICS.values())
    for heading in (f"{first} %", *others, "change"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for scores in result.arms:
        means = [f"{100 * fmean(scores.scores[name]):.1f}" for name in METRICS if name != "accuracy"]
        cells = [scores.arm.name.replace(f"{BASELINE.name} + ", "  … + "), _plus_minus(scores.interval), *means]
        if scores.arm.ratio > 0:
            change = result.change(scores)
            cells += [_plus_minus(change.interval, sign="+"), change.verdict]
        table.add_row(*cells)
    console.print(table)
    console.print(result.headline, style="bold")
    for warning in result.warnings:
        console.print(f"warning: {warning}", style="yellow", soft_wrap=True)
    for note in result.findings:
        console.print(note, soft_wrap=True)
    console.print("Means over seeds ± 95% t intervals; changes are paired by seed and allow for several ratios.")


def _plus_minus(interval: Interval, sign: str = "") -> str:
    return f"{100 * interval.mean:{sign}.1f} ± {100 * interval.half_width:.1f}"
