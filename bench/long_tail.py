"""Share of samples of rare classes that are what they claim, with and without `fit(balance="classes")`.

    python bench/long_tail.py --data mnist10k.npz [--write]

Five classes of digits have 500 images and five have 10. `cvae` is fitted on them for 400 steps, with the same seed
both times. A classifier that was trained on 5,000 other images judges 1,000 samples.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.evaluate import train_classifier
from augsynth.generators import create_generator

FREQUENT, RARE, STEPS = 500, 10, 400
RESULTS = Path(__file__).parent / "results" / "long_tail.md"


def long_tail(images: Tensor, labels: Tensor) -> TensorDataset:
    """Keep up to 500 images of the classes 0 to 4, and 10 of the others."""
    kept = torch.cat([(labels == c).nonzero()[:, 0][: FREQUENT if c < 5 else RARE] for c in range(10)])
    return TensorDataset(images[kept], labels[kept])


def measure(path: Path) -> str:
    """Return the table."""
    stored = np.load(path)
    images, labels = torch.from_numpy(stored["images"])[:, None], torch.from_numpy(stored["labels"]).long()
    judge = train_classifier(images[5000:], labels[5000:], steps=250)
    data = long_tail(images[:5000], labels[:5000])
    lines = ["| balance | rare classes | frequent classes |", "| --- | --- | --- |"]
    for balance in (None, "classes"):
        generator = create_generator("cvae", width=12)
        generator.fit(data, steps=STEPS, balance=balance, device="cpu")
        samples = generator.sample(1000, seed=1)
        assert samples.labels is not None
        right, rare = judge.predict(samples.images) == samples.labels.numpy(), samples.labels.numpy() >= 5
        lines.append(f"| {balance!r} | {right[rare].mean():.1%} | {right[~rare].mean():.1%} |")
    seen = f"The classifier is right on {(judge.predict(images[:5000]) == labels[:5000].numpy()).mean():.1%}"
    return "\n".join([*lines, "", f"{seen} of 5,000 real images that it has not seen."])


def main() -> None:
    """Measure, print, and write the results if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="mnist10k.npz, with `images` and `labels`")
    parser.add_argument("--write", action="store_true", help=f"write {RESULTS.name}")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    text = measure(arguments.data)
    print(text)
    if arguments.write:
        head = "# Rare classes\n\nWritten by `python bench/long_tail.py --data mnist10k.npz --write`: samples that are "
        RESULTS.write_text(f"{head}what they claim.\n\n{text}\n")


if __name__ == "__main__":
    main()
