"""Rules of `check_generator` about capabilities: what each declared one must do on any fit, however short."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from augsynth.errors import AugsynthError
from augsynth.generators import CapabilityError, FitReport, Generator, Samples, to_signed
from augsynth.testing.generator_case import Case, require_same

_ATTRIBUTE = "dark"


def keeps_its_capabilities(case: Case) -> None:
    """Declared capabilities do what they say, and the methods of others raise `CapabilityError`."""
    for capability, calls in _calls(case, case.fitted).items():
        if capability not in case.fitted.capabilities:
            for call in calls:
                case.require_raises(CapabilityError, f"{capability!r}, which is not declared,", call)
    for capability, rule in _MEANINGS.items():
        if capability in case.fitted.capabilities:
            try:
                rule(case)
            except AssertionError:
                raise
            except Exception as cause:
                raise AssertionError(f"{capability!r} is declared, but fails: {cause!r}") from cause


def _calls(case: Case, generator: Generator) -> dict[str, list[Callable[[], Any]]]:
    """Return a call of each method, by the capability that it belongs to."""
    images, labels = case.source_images, case.source_labels
    return {
        "invert": [
            lambda: generator.encode(images, labels=labels),
            lambda: generator.decode(to_signed(images), labels=labels),
        ],
        "interpolate": [
            lambda: generator.interpolate(images, images.flip(0), 4, labels=labels),
            lambda: generator.blend(images[:, None], [1.0], labels=labels),
        ],
        "edit": [
            lambda: generator.learn_attribute(_ATTRIBUTE, images, [True, True, False], labels=labels),
            lambda: generator.edit(images, _ATTRIBUTE, 0.5, labels=labels),
        ],
        "vary": [lambda: generator.vary(images, 0.5, labels=labels)],
        "translate": [lambda: generator.translate(images, _other_class(case), labels=labels)],
        "refine": [lambda: generator.refine(images, _brightness, 2, labels=labels)],
        "steer": [lambda: generator.steer(3, _brightness_of_classes, 0.0)],
        "guide": [lambda: generator.sample(3, guidance=2.0)],
        "likelihood": [lambda: generator.bits_per_dim(images, labels=labels)],
        "tune": [lambda: generator.tune(case.dataset, steps=1, progress=False)],
    }


def _inverts(case: Case) -> None:
    codes = case.fitted.encode(case.source_images, labels=case.source_labels)
    form = (codes.dtype, codes.device.type, len(codes))
    case.require(form == (torch.float32, "cpu", 3) and codes.ndim > 1, f"codes are {form}, expected float32 (3, …)")
    case.require(bool(codes.isfinite().all()), "codes are not finite")
    require_same(case, codes[:1], case.fitted.encode(case.source_images[:1], labels=_first(case)), "codes in two calls")
    _require_images(case, "decode", lambda n: case.fitted.decode(codes[:n], labels=_first(case, n)).images)


def _interpolates(case: Case) -> None:
    generator, first, last = case.fitted, case.source_images, case.source_images.flip(0)
    label = None if case.source_labels is None else int(case.source_labels[0])
    _require_images(
        case, "interpolate", lambda n: generator.interpolate(first[:n], last[:n], 4, labels=label), several=True
    )
    for path in ("spherical", "linear"):
        way = generator.interpolate(first, last, 2, labels=label, path=path)
        for end, images in ((way[:, 0], first), (way[:, -1], last)):
            alone = generator.blend(images[:, None], [2.0], labels=label).images
            require_same(case, end, alone, f"an end of the {path} way and the blend of its image alone")
            if "invert" in generator.capabilities:
                require_same(
                    case, end, _again(generator, images, label), f"an end of the {path} way and decode(encode(image))"
                )
    both = torch.stack([first, last], dim=1)
    _require_images(case, "blend", lambda n: generator.blend(both[:n], [1.0, 3.0], labels=label).images)
    one = partial(generator.interpolate, first, last, 1, labels=label)
    case.require_raises(AugsynthError, "a way of one image", one)


def _edits(case: Case) -> None:
    generator, images, labels = case.copy("before"), case.source_images, case.source_labels
    case.require(_ATTRIBUTE not in generator.attributes, f"attributes before learn_attribute: {generator.attributes}")
    twice = None if labels is None else torch.cat([labels, labels])
    pairs = torch.cat([images // 2, images])
    generator.learn_attribute(_ATTRIBUTE, pairs, torch.arange(6) < 3, labels=twice)
    case.require(_ATTRIBUTE in generator.attributes, f"attributes after learn_attribute: {generator.attributes}")
    case.require(generator.digest() != case.fitted.digest(), "learn_attribute does not change the digest")

    def edited(strength: float, generator: Generator = generator) -> Tensor:
        return generator.edit(images, _ATTRIBUTE, strength, labels=labels).images

    _require_images(case, "edit", lambda n: generator.edit(images[:n], _ATTRIBUTE, 1.0, labels=_first(case, n)).images)
    if "invert" in generator.capabilities:
        require_same(
            case, edited(0.0), _again(generator, images, labels), "an edit of strength 0 and decode(encode(image))"
        )
    generator.save(case.folder / "after")
    loaded = type(generator).load(case.folder / "after")
    case.require(loaded.attributes == generator.attributes, f"attributes after loading: {loaded.attributes}")
    require_same(case, edited(1.0), edited(1.0, loaded), "edits before saving and after loading")
    case.require_raises(AugsynthError, "an unknown attribute", lambda: generator.edit(images, "?", 1.0, labels=labels))


def _varies(case: Case) -> None:
    generator, images = case.fitted, case.source_images
    _require_images(case, "vary", lambda n: generator.vary(images[:n], 0.5, labels=_first(case, n)).images)
    for strength in (0.0, 1.5):
        wrong = partial(generator.vary, images, strength, labels=case.source_labels)
        case.require_raises(AugsynthError, f"a variation of strength {strength}", wrong)


def _translates(case: Case) -> None:
    def translated(n: int) -> Samples:
        return case.fitted.translate(case.source_images[:n], _other_class(case), labels=_first(case, n))

    _require_images(case, "translate", lambda n: translated(n).images)
    given, expected = translated(3).labels, [_other_class(case)] * 3
    case.require(given is not None and given.tolist() == expected, f"translate to {expected} gives the labels {given}")


def _refines(case: Case) -> None:
    generator, images, labels = case.fitted, case.source_images, case.source_labels
    refined = _require_images(
        case, "refine", lambda n: generator.refine(images[:n], _brightness, 3, labels=_first(case, n)).images
    )
    if "invert" in generator.capabilities:
        risen = _brightness(to_signed(refined)) - _brightness(to_signed(_again(generator, images, labels)))
        case.require(bool((risen >= -1 / 127.5).all()), f"refinement changes the score by {risen.tolist()}")
    none = partial(generator.refine, images, _brightness, 0, labels=labels)
    case.require_raises(AugsynthError, "a refinement of no steps", none)


def _steers(case: Case) -> None:
    labels = None if case.labels is None else case.labels[:3]

    def steered(n: int, strength: float = 1.0) -> Tensor:
        classes = None if labels is None else labels[:n]
        return case.fitted.steer(n, _brightness_of_classes, strength, labels=classes, seed=3).images

    _require_images(case, "steer", steered)
    expected = case.fitted.sample(3, labels=labels, seed=3).images
    require_same(case, steered(3, 0.0), expected, "samples that are steered with strength 0 and usual ones")


def _guides(case: Case) -> None:
    _require_images(case, "guide", lambda n: case.fitted.sample(n, guidance=2.0).images)


def _has_likelihoods(case: Case) -> None:
    bits = case.fitted.bits_per_dim(case.source_images, labels=case.source_labels)
    form = (bits.dtype, tuple(bits.shape))
    case.require(form == (torch.float32, (3,)), f"bits_per_dim gives {form}, expected float32 (3,)")
    case.require(bool((bits.isfinite() & (bits >= 0)).all()), f"bits of uint8 images are negative: {bits.tolist()}")
    alone = case.fitted.bits_per_dim(case.source_images[:1], labels=_first(case))
    require_same(case, bits[:1], alone, "bits of an image beside others and alone")


def _tunes(case: Case) -> None:
    digests = set()
    for _ in range(2):
        generator = case.copy("untuned")
        report = generator.tune(case.dataset, steps=2, progress=False)
        case.require(isinstance(report, FitReport), f"tune gives {type(report).__name__}, expected a FitReport")
        digests.add(generator.digest())
        generator.sample(3)
    case.require(case.fitted.digest() not in digests, "tune changes nothing")
    case.require(len(digests) == 1, "two equal calls of tune give different weights")


_MEANINGS: dict[str, Callable[[Case], None]] = {
    "invert": _inverts,
    "interpolate": _interpolates,
    "edit": _edits,
    "vary": _varies,
    "translate": _translates,
    "refine": _refines,
    "steer": _steers,
    "guide": _guides,
    "likelihood": _has_likelihoods,
    "tune": _tunes,
}


def _require_images(case: Case, what: str, draw: Callable[[int], Tensor], several: bool = False) -> Tensor:
    """Return three results of a method, which must have their form, be reproducible, and not see their neighbours."""
    results = draw(3)
    expected = (3, *[4] * several, *case.image_shape)
    form = (tuple(results.shape), results.dtype)
    case.require(form == (expected, torch.uint8), f"{what!r} gives {form}, expected uint8 {expected}")
    case.require(torch.equal(results, draw(3)), f"{what!r} called twice gives different images")
    case.require(torch.equal(results[:1], draw(1)), f"{what!r} gives an image that depends on the others of its call")
    return results


def _again(generator: Generator, images: Tensor, labels: Tensor | int | None) -> Tensor:
    return generator.decode(generator.encode(images, labels=labels), labels=labels).images


def _first(case: Case, n: int = 1) -> Tensor | None:
    """Return the classes of the first source images."""
    return None if case.source_labels is None else case.source_labels[:n]


def _other_class(case: Case) -> int:
    return 1 if "conditional" in case.fitted.capabilities else 0


def _brightness(images: Tensor) -> Tensor:
    return images.mean((1, 2, 3))


def _brightness_of_classes(images: Tensor, labels: Tensor | None) -> Tensor:
    return _brightness(images)
