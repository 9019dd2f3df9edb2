"""`docs/explain.md`: pipelines as other libraries' documentation has them, and the passes that they become here."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from textwrap import indent

from augsynth import transforms as T

IMAGENET = "[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]"
HEAD = """# Where pipelines fuse, and where they stop

Made by `make docs` from what `explain()` says; a test compares. A pass reads and writes every pixel once, and resamples
at most once. The pipelines are those of other libraries' documentation and training scripts, written with the
transforms of this one; decoding, mosaics and mixing of batches are no part of them.

Most often it is the order that stops fusion: geometry after colours. Put first, it saves a pass, and all that changes
is what the border shows, which the colours then change too. Policies choose among all their operations for each image;
those of them that look at whole images (sharpness, autocontrast, equalise) run between passes.
"""


@dataclass(frozen=True)
class Example:
    """A pipeline where it is known from, as code, and the images that it is for."""

    name: str
    code: str
    shape: tuple[int, int, int] = (375, 500, 3)
    dtype: str = "uint8"

    @property
    def pipeline(self) -> T.Compose:
        """Return the result of the code, which is written in this file."""
        pipeline = eval(self.code, {"T": T})
        assert isinstance(pipeline, T.Compose)
        return pipeline

    def explained(self) -> str:
        return self.pipeline.explain(self.shape, self.dtype)


def listed(*lines: str) -> str:
    return "\n".join(["T.Compose([", *(f"    {line}," for line in lines), "])"])


EXAMPLES = (
    Example(
        "ImageNet training (torchvision's reference)",
        listed(
            "T.RandomResizedCrop(224)",
            "T.RandomHorizontalFlip()",
            f"T.Normalize({IMAGENET})",
            "T.RandomErasing(p=0.1)",
        ),
    ),
    Example(
        "the same with TrivialAugment",
        listed(
            "T.RandomResizedCrop(176)",
            "T.RandomHorizontalFlip()",
            "T.TrivialAugmentWide()",
            f"T.Normalize({IMAGENET})",
            "T.RandomErasing(p=0.1)",
        ),
    ),
    Example(
        "the same with RandAugment",
        listed(
            "T.RandomResizedCrop(224)",
            "T.RandomHorizontalFlip()",
            "T.RandAugment()",
            f"T.Normalize({IMAGENET})",
        ),
    ),
    Example(
        "ImageNet evaluation (torchvision's reference)",
        listed("T.Resize(256)", "T.CenterCrop(224)", f"T.Normalize({IMAGENET})"),
    ),
    Example(
        "CIFAR-10 training, the usual one",
        listed(
            "T.RandomCrop(32, padding=4)",
            "T.RandomHorizontalFlip()",
            "T.Normalize([0.4914, 0.4822, 0.4465], [0.2470, 0.2435, 0.2616])",
        ),
        (32, 32, 3),
    ),
    Example(
        "SimCLR",
        listed(
            "T.RandomResizedCrop(224)",
            "T.RandomHorizontalFlip()",
            "T.RandomApply([T.ColorJitter(0.8, 0.8, 0.8, 0.2)], p=0.8)",
            "T.RandomGrayscale(p=0.2)",
            "T.RandomApply([T.GaussianBlur(23)], p=0.5)",
            'T.ToDtype("float32", scale=True)',
        ),
    ),
    Example(
        "classification and detection (albumentations)",
        listed(
            "T.RandomCrop(256)",
            "T.RandomHorizontalFlip()",
            "T.RandomApply([T.ColorJitter(brightness=0.2, contrast=0.2)], p=0.2)",
        ),
    ),
    Example(
        "segmentation (albumentations)",
        listed(
            "T.RandomApply([T.RandomAffine(30, translate=(0.2, 0.2), scale=(0.8, 1.2))])",
            "T.RandomCrop(256)",
            "T.RandomApply([T.ColorJitter(0.3, 0.3, 0.3)])",
            f"T.Normalize({IMAGENET})",
        ),
    ),
    Example(
        "`AugmentationSequential` (kornia)",
        listed(
            "T.ColorJitter(0.1, 0.1, 0.1, 0.1)",
            "T.RandomAffine(360, translate=(0.1, 0.1), scale=(0.7, 1.2), shear=(30, 50), antialias=False)",
            "T.RandomPerspective(0.5, p=1.0)",
        ),
        dtype="float32",
    ),
    Example(
        "the same, geometry first",
        listed(
            "T.RandomAffine(360, translate=(0.1, 0.1), scale=(0.7, 1.2), shear=(30, 50), antialias=False)",
            "T.RandomPerspective(0.5, p=1.0)",
            "T.ColorJitter(0.1, 0.1, 0.1, 0.1)",
        ),
        dtype="float32",
    ),
    Example(
        "two-stage detection (as MMDetection's)",
        listed("T.Resize(800, max_size=1333)", "T.RandomHorizontalFlip()", f"T.Normalize({IMAGENET})"),
    ),
    Example(
        "one-stage detection (as YOLO's, without the mosaic)",
        listed(
            "T.Resize(480, max_size=640)",
            "T.CenterCrop(640, pad_if_needed=True, fill=114)",
            "T.RandomAffine(0, translate=(0.1, 0.1), scale=(0.5, 1.5), fill=114)",
            "T.ColorJitter(brightness=0.4, saturation=0.7, hue=0.015)",
            "T.RandomHorizontalFlip()",
            'T.ToDtype("float32", scale=True)',
        ),
    ),
    Example(
        "scans (as MONAI's dictionary transforms in 2-D)",
        listed(
            "T.RandomHorizontalFlip()",
            "T.RandomRotation(15)",
            "T.RandomScale((0.9, 1.1), antialias=False)",
            "T.GaussianNoise(sigma=(0.0, 0.1), clip=False)",
            "T.RandomGamma((0.7, 1.5), p=0.3)",
        ),
        (256, 256, 1),
        "float32",
    ),
    Example(
        "satellite images with NaN",
        listed(
            'T.FillMissing("mean")',
            "T.RandomResizedCrop(224, scale=(0.5, 1.0))",
            "T.RandomHorizontalFlip()",
            "T.RandomVerticalFlip()",
            "T.RandomChoice([T.RandomRotation((90 * k, 90 * k)) for k in range(4)])",
            "T.GaussianNoise(sigma=0.01)",
        ),
        (512, 512, 13),
        "float32",
    ),
    Example(
        "the same of integers, with a nodata value",
        listed(
            'T.FillMissing("nearest", missing=0)',
            "T.RandomResizedCrop(224, scale=(0.5, 1.0))",
            "T.RandomHorizontalFlip()",
            "T.RandomGamma((0.8, 1.25))",
            'T.ToDtype("float32", scale=True)',
        ),
        (512, 512, 13),
        "uint16",
    ),
)


def explain_page() -> str:
    """The whole page."""
    table = ["| pipeline | images | passes | where fusion stops, and why |", "| --- | --- | --- | --- |"]
    table += [_row(one) for one in EXAMPLES]
    return "\n".join([HEAD, *table, "", "## In full", *(_in_full(one) for one in EXAMPLES)])


def _row(one: Example) -> str:
    text = one.explained()
    stops = [
        f"{name}: {why}"
        for name, why in re.findall(r"^pass \d+: (\w+).*\n  begins because (.*)$", text, re.MULTILINE)
        if "between passes" not in why
    ]
    barriers = re.findall(r"^barrier: (.*)\n  (.*)$", text, re.MULTILINE)
    stops += [
        f"{name} {why}" + (f" ({count} times)" if count > 1 else "") for (name, why), count in Counter(barriers).items()
    ]
    shape = "x".join(map(str, one.shape))
    count = re.match(r"(\d+) pass", text)
    assert count is not None
    return f"| {one.name} | {one.dtype} {shape} | {count[1]} | {'; '.join(stops) or 'nowhere'} |"


def _in_full(one: Example) -> str:
    return f"\n### {one.name}\n```python\n{one.code}\n```\n{indent(one.explained(), '    ')}"
