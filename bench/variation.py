"""Strength of `vary` on MNIST: distance of variations to their images, and agreement with their class.

    python bench/variation.py --data path/to/mnist10k.npz --checkpoint folder

The folder holds a fitted generator with the capability "vary", such as `edm` of bench/few_steps.py. 320 real test
images are varied at each strength, as images of their own class and of another one. A classifier trained on 8,000 real
images tells the class of the results. Results go to bench/results/variation.json, .md and .svg.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer

from augsynth.evaluate import accuracy, train_classifier
from augsynth.generators import load_generator

RESULTS = Path(__file__).parent / "results"
STRENGTHS = (0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


@dataclass(frozen=True)
class Row:
    """Measurements at one strength: mean distance in levels of 255, and accuracies in [0, 1]."""

    strength: float
    distance: float
    agreement_own: float
    agreement_other: float


def table(rows: list[Row], name: str) -> str:
    """Return the results as Markdown."""
    lines = [
        f"# Strength of variations: `{name}` on MNIST",
        "",
        "Mean distance to the image in levels of 255, and share of variations that a classifier puts in the class of",
        "their image, with that class as `labels`, and with another one.",
        "",
        "![strength, distance and agreement](variation.svg)",
        "",
        "| strength | distance | agreement, own class | agreement, another class |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.strength} | {row.distance:.1f} | {row.agreement_own:.1%} | {row.agreement_other:.1%} |" for row in rows
    ]
    return "\n".join([*lines, "", "Written by bench/variation.py.", ""])


def drawing(rows: list[Row]) -> str:
    """Return curves as SVG: distance as a share of the largest one, and agreement."""
    furthest = max(row.distance for row in rows)
    curves = {
        f"distance (1 is {furthest:.0f} levels)": ("#c40", [row.distance / furthest for row in rows]),
        "agreement, own class": ("#08c", [row.agreement_own for row in rows]),
        "agreement, another class": ("#284", [row.agreement_other for row in rows]),
    }
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 460 330" font-family="sans-serif" font-size="12">']
    parts.append('<rect width="460" height="330" fill="white"/>')
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = 40 + 400 * share, 260 - 240 * share
        parts.append(f'<path d="M40 {y}H440M{x} 260v4" stroke="#ccc" fill="none"/>')
        parts.append(f'<text x="34" y="{y + 4}" text-anchor="end">{share:g}</text>')
        parts.append(f'<text x="{x}" y="277" text-anchor="middle">{share:g}</text>')
    for index, (label, (colour, values)) in enumerate(curves.items()):
        points = " ".join(
            f"{40 + 400 * row.strength:.1f},{260 - 240 * value:.1f}" for row, value in zip(rows, values, strict=True)
        )
        parts.append(f'<polyline points="{points}" stroke="{colour}" fill="none" stroke-width="2"/>')
        parts.append(f'<text x="{40 + 145 * index}" y="315" fill="{colour}" font-size="11">{label}</text>')
    parts.append('<text x="240" y="295" text-anchor="middle">strength</text></svg>')
    return "\n".join([*parts, ""])


def main(
    data: Annotated[Path, typer.Option(help="mnist10k.npz")],
    checkpoint: Annotated[Path, typer.Option(help="Folder of a fitted generator.")],
    count: Annotated[int, typer.Option(min=1, help="Images at each strength.")] = 320,
) -> None:
    """Vary images at several strengths, and measure the results."""
    torch.set_num_threads(1)
    with np.load(data) as stored:
        images = torch.from_numpy(stored["images"])[:, None]
        labels = torch.from_numpy(stored["labels"].astype(np.int64))
    generator = load_generator(checkpoint)
    judge = train_classifier(images[:8000], labels[:8000])
    sources, classes = images[8000 : 8000 + count], labels[8000 : 8000 + count]
    others = (classes + 1 + torch.arange(len(classes)) % 9) % 10
    rows = []
    for strength in STRENGTHS:
        own = generator.vary(sources, strength, classes).images
        other = generator.vary(sources, strength, others).images
        distance = (own.float() - sources.float()).abs().mean().item()
        agreements = (float(accuracy(judge.predict(varied), classes)) for varied in (own, other))
        rows.append(Row(strength, distance, *agreements))
        typer.echo(rows[-1])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "variation.json").write_text(json.dumps(list(map(asdict, rows)), indent=2) + "\n")
    (RESULTS / "variation.md").write_text(table(rows, generator.name))
    (RESULTS / "variation.svg").write_text(drawing(rows))


if __name__ == "__main__":
    typer.run(main)
