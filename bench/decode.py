"""Time from the bytes of JPEG files to a batch, for augsynth and its peers, beside decoding alone.

    AUGSYNTH_DATA=folder python bench/decode.py              three minutes
    AUGSYNTH_DATA=folder python bench/decode.py --rounds 3   a first look

Results go to bench/results/decode.json and .md; those of fewer rounds or cases to build/bench instead. The 100 photos
of photos100.tar, one thread, CPU time by turns. Needs what bench/augment.py needs, and simplejpeg.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import cv2
import numpy as np
import simplejpeg
import torch
import typer
from harness import machine
from harness.cases import IMAGENET, ROTATED_CROP
from harness.ops import Flip, Noise, Ops, ResizedCrop
from harness.peers.albumentationsx import Albumentationsx
from harness.peers.base import translate
from harness.peers.ours import STEPS
from harness.peers.torchvision_v2 import TorchvisionV2
from harness.timing import Contender, Timing, measure
from PIL import Image
from torch.utils.data import default_collate
from torchvision.io import ImageReadMode, decode_jpeg

from augsynth import transforms as T
from augsynth.data import DecodingTransform, EncodedImage
from augsynth.data.loading.jpeg import FACTORS
from augsynth.plan.reach import reductions

BATCH = 50
ROUNDS = 15
PLAIN = "decoding alone (simplejpeg)"
OURS = "augsynth"
REDUCED = "augsynth, reduced"
WHOLE = "augsynth after decoding all"
FOLDERS = Path(__file__).parent / "results", Path(__file__).parents[1] / "build" / "bench"

Batches = Callable[[int], Iterator[Any]]

CASES: dict[str, Ops] = {
    "ImageNet, 224": (ResizedCrop(224, antialias=False), Flip(), IMAGENET),
    "ImageNet, 224, antialiased": (ResizedCrop(224, antialias=True), Flip(), IMAGENET),
    "rotated crop + noise, 224": (*ROTATED_CROP, Noise(0.02), IMAGENET),
    "gentle crop, 128, antialiased": (ResizedCrop(128, antialias=True, scale=(0.35, 1.0)), Flip(), IMAGENET),
}


@dataclass(frozen=True)
class Photos:
    """Photo files in memory."""

    files: list[bytes]

    @classmethod
    def read(cls, archive: Path) -> Photos:
        with tarfile.open(archive) as tar:
            members = sorted((member for member in tar if member.isfile()), key=lambda member: member.name)
            return cls([content.read() for member in members if (content := tar.extractfile(member))])

    def each(self, decode: Callable[[bytes], Any]) -> Batches:
        """Return the way that only decodes."""
        return lambda start: (decode(data) for data in self.files)

    def collated(self, decode: Callable[[bytes], Any], transform: Callable[[Any], Any]) -> Batches:
        """Return the way of a DataLoader: decode and transform image by image, and collate a batch."""

        def run(start: int) -> Iterator[Any]:
            for some in self._batches():
                yield default_collate([transform(decode(data)) for data in some])

        return run

    def at_once(self, prepare: Callable[[bytes], Any], transform: T.Pipeline | DecodingTransform) -> Batches:
        """Return the way that transforms a batch at once, with new keys in every turn."""
        turn = 0

        def run(start: int) -> Iterator[Any]:
            nonlocal turn
            turn += 1
            for number, some in enumerate(self._batches()):
                keys = [(0, turn, number * BATCH + index) for index in range(len(some))]
                yield transform.batch([prepare(data) for data in some], keys=keys)

        return run

    def _batches(self) -> Iterator[list[bytes]]:
        for first in range(0, len(self.files), BATCH):
            yield self.files[first : first + BATCH]


def with_simplejpeg(data: bytes) -> Any:
    return simplejpeg.decode_jpeg(data, "RGB")


def with_opencv(data: bytes) -> Any:
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def with_opencv_at_once(data: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)


def with_torchvision(data: bytes) -> Any:
    return decode_jpeg(torch.frombuffer(bytearray(data), dtype=torch.uint8), ImageReadMode.RGB)


def with_pillow(data: bytes) -> Any:
    return torch.from_numpy(np.array(Image.open(io.BytesIO(data)).convert("RGB"))).permute(2, 0, 1)


def contenders(ops: Ops, photos: Photos) -> dict[str, Batches]:
    """Return all ways from the bytes to a batch of one case."""
    pipeline = T.Compose(translate(ops, STEPS))
    theirs, vision = Albumentationsx().transform(ops), TorchvisionV2().transform(ops)
    return {
        PLAIN: photos.each(with_simplejpeg),
        "decoding alone (OpenCV)": photos.each(with_opencv_at_once),
        OURS: photos.at_once(EncodedImage, DecodingTransform(pipeline)),
        REDUCED: photos.at_once(EncodedImage, DecodingTransform(pipeline, reduce=True)),
        WHOLE: photos.at_once(with_simplejpeg, pipeline),
        "OpenCV + albumentationsx": photos.collated(with_opencv, theirs),
        "the same, IMREAD_COLOR_RGB": photos.collated(with_opencv_at_once, theirs),
        "torchvision": photos.collated(with_torchvision, vision),
        "Pillow + torchvision": photos.collated(with_pillow, vision),
    }


def table(rows: dict[str, dict[str, Timing]]) -> list[str]:
    """Return a table with a line a way and a column a case: µs a photo, ratios to decoding alone and to augsynth."""
    names = next(iter(rows.values()))
    lines = [f"| µs a photo | {' | '.join(rows)} |", "|---" * (len(rows) + 1) + "|"]
    for name in names:
        cells = []
        for times in rows.values():
            own, plain, ours = (times[way].median for way in (name, PLAIN, OURS))
            cells.append(f"{own:,.0f} ({own / plain:.2f} / {own / ours:.2f})")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


SHRINKING: dict[str, T.Pipeline] = {
    **{f"resized to {side}x{side}": T.Resize((side, side)) for side in (128, 64, 32)},
    "RandomResizedCrop(128, scale=(0.35, 1))": T.RandomResizedCrop(128, scale=(0.35, 1.0)),
    "resized to 64x64, not antialiased": T.Resize((64, 64), antialias=False),
}


def differences(photos: Photos) -> list[str]:
    """Return a table of the differences, in grey levels, between pictures with and without `reduce`."""
    images = [EncodedImage(data) for data in photos.files]
    keys = [(0, 0, index) for index in range(len(images))]
    lines = ["| `reduce=True` | decoded smaller | mean difference | the worst photo |", "|---|---|---|---|"]
    for name, shrink in SHRINKING.items():
        pipeline = T.Compose([shrink, T.ToDtype("float32")])
        smaller = reductions(pipeline.plan([image.shape for image in images], keys), FACTORS) > 1
        whole, part = (DecodingTransform(pipeline, reduce=reduce).batch(images, keys=keys) for reduce in (False, True))
        apart = (whole - part).abs().mean((1, 2, 3))[torch.from_numpy(smaller)]
        lines.append(f"| {name} | {smaller.sum()} of {len(images)} | {apart.mean():.1f} | {apart.max():.1f} |")
    return lines


HEAD = """# From JPEG files to batches

Microseconds a photo, from the bytes of the file to its place in a batch: the median of {rounds} interleaved rounds of
CPU time, one thread. In brackets: how many times as long as decoding alone, and as augsynth. augsynth decodes a file
down to the last line that the crop shows, which changes no bit of the result; "reduced" also decodes at 1/2, 1/4 or 1/8
of the size where the output is that much smaller, which is an approximation; "after decoding all" does neither.
OpenCV decodes to BGR and `cvtColor` makes it RGB, as most scripts have it, or its recent `IMREAD_COLOR_RGB` does both.
"""


def write(results: dict[str, Any], tables: list[list[str]], folder: Path) -> None:
    """Write the results as JSON and as tables."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "decode.json").write_text(json.dumps(results, indent=2) + "\n")
    about = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    where = (
        f"{about['date']}, {about['processor']}, {about['cores']} cores, load average {results['load']}; Python "
        f"{about['python']}, augsynth {about['augsynth']} at {about['commit']} ({about['isas'][0]}), {versions}."
    )
    parts = [HEAD.format(rounds=results["rounds"]), *("\n".join(lines) for lines in tables), where]
    (folder / "decode.md").write_text("\n\n".join(part.strip() for part in parts) + "\n\nWritten by bench/decode.py.\n")


def main(
    data: Annotated[Path | None, typer.Option(help="photos100.tar; by default in the folder AUGSYNTH_DATA.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often each way is measured.")] = ROUNDS,
    only: Annotated[str, typer.Option(help="Cases with this in their name.")] = "",
) -> None:
    """Measure decoding with augmentation."""
    path = data or Path(os.environ.get("AUGSYNTH_DATA", ".")) / "photos100.tar"
    if not path.exists():
        raise typer.BadParameter(
            f"no file {str(path)!r}: name photos100.tar with --data, or its folder in AUGSYNTH_DATA"
        )
    photos = Photos.read(path)
    rows = {name: _measured(ops, photos, rounds) for name, ops in CASES.items() if only in name}
    typer.echo("\n".join(table(rows)))
    peers = ("simplejpeg", "opencv-python-headless", "albumentationsx", "torchvision", "pillow", "torch")
    results = {
        "machine": machine.describe(),
        "load": machine.load(),
        "rounds": rounds,
        "versions": {name: version(name) for name in peers},
        "rows": {name: {way: asdict(timing) for way, timing in times.items()} for name, times in rows.items()},
    }
    write(results, [table(rows), differences(photos)], FOLDERS[rounds < ROUNDS or len(rows) < len(CASES)])


def _measured(ops: Ops, photos: Photos, rounds: int) -> dict[str, Timing]:
    torch.set_num_threads(1)
    count = len(photos.files)
    ways = [Contender(name, run, time.thread_time, count, count) for name, run in contenders(ops, photos).items()]
    return measure(ways, rounds, lambda: None)


if __name__ == "__main__":
    typer.run(main)
