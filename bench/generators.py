"""Quality of the generators: fits each one by its recipe, draws images, and scores them.

    python bench/generators.py --data folder                              every recipe that has no result yet
    python bench/generators.py --data folder --images cifar10 --only edm  one of them, again

Each result is a row of bench/results/generators.json; generators.md shows the means over seeds. The judge is a
classifier that was trained on the real training images. CAS (GAN-train) is the accuracy on the real test images of the
same classifier trained on generated images alone; GAN-test is the share of generated images that the judge puts in
their class. The distances and shares of the table compare 1,000 generated images with 1,000 real test images, on the
judge's features. The floor compares other real test images with the same ones.
"""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from harness.image_sets import IMAGE_SETS
from harness.quality import Court, Row, measure
from harness.quality_table import table
from harness.recipes import RECIPES, Recipe

import augsynth

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Return the versions and the machine that times depend on."""
    capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    units = [unit for unit in ("avx2", "avx512_f", "amx_bf16") if capabilities.get(unit)]
    return {
        "date": date.today().isoformat(),
        "processor": " ".join([str(capabilities.get("cpu_name", platform.processor())), platform.machine(), *units]),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "augsynth": augsynth.__version__,
    }


def stored_results() -> dict[str, Any]:
    """Read the results so far: by data set, `real`, `floor` and `rows`."""
    path = RESULTS / "generators.json"
    return json.loads(path.read_text()) if path.exists() else {}


def write(row: Row, court: Court) -> None:
    """Put a row among the stored results, and write them as JSON and as a table."""
    stored = stored_results()
    of_set = stored.setdefault(court.split.name, {"rows": {}})
    of_set.update(real=court.real, floor=court.floor, samples=court.split.samples, images=len(court.split.train))
    of_set["rows"][f"{row.generator} {row.seed}"] = {**asdict(row), "machine": machine()}
    (RESULTS / "generators.json").write_text(json.dumps(stored, indent=2, sort_keys=True) + "\n")
    (RESULTS / "generators.md").write_text(table(stored))


def main(
    data: Annotated[Path | None, typer.Option(help="Folder of the data sets; by default AUGSYNTH_DATA.")] = None,
    images: Annotated[list[str] | None, typer.Option(help="A data set; may be repeated.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A generator to measure again; may be repeated.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps instead of the recipe's.")] = None,
) -> None:
    """Fit generators by their recipes, and score their samples."""
    folder = data or Path(os.environ.get("AUGSYNTH_DATA", "."))
    torch.set_num_threads(1)
    for name in images or IMAGE_SETS:
        done = stored_results().get(name, {"rows": {}})["rows"]
        wanted = [
            (generator, recipe, seed)
            for generator, recipe in RECIPES[name].items()
            for seed in recipe.seeds
            if (generator in only if only else f"{generator} {seed}" not in done)
        ]
        court = Court.of(IMAGE_SETS[name](folder)) if wanted else None
        for generator, recipe, seed in wanted:
            assert court is not None
            used = recipe if steps is None else Recipe(steps, recipe.batch_size, recipe.options)
            row = measure(generator, used, seed, court)
            write(row, court)
            typer.echo(
                f"{name} {generator} {seed}: fit {row.fit_seconds:.0f} s, CAS {row.cas}, GAN-test {row.gan_test}"
            )


if __name__ == "__main__":
    typer.run(main)
