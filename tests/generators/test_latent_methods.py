"""Each method of `LatentMethods`, by what it means on two toys."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from generators.toy import PrincipalCodes, TinyAutoencoder
from torch import Tensor
from torch.utils.data import TensorDataset

from augsynth.errors import ArgumentError, ArgumentTypeError, AugsynthError, CheckpointError
from augsynth.generators import CapabilityError, LatentMethods, Noise, load_generator, registry, to_signed
from augsynth.generators.contract.latent_space import climb, on_the_way


def bars(n: int = 60, seed: int = 0) -> TensorDataset:
    """Images of 1x8x8: the class says which rows are bright, and a bright left half is the attribute."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % 2
    pixels = torch.randint(0, 40, (n, 1, 8, 8), generator=rng)
    for k in range(n):
        pixels[k, 0, 4 * int(labels[k]) : 4 * int(labels[k]) + 4] += 100
        pixels[k, 0, :, : 4 * int(bright_left(n)[k])] += 80
    return TensorDataset(pixels.to(torch.uint8), labels)


def bright_left(n: int = 60) -> Tensor:
    """Three of four images of class 1 are bright on the left, and one of four of class 0."""
    return torch.tensor([(k // 2) % 4 < (3 if k % 2 else 1) for k in range(n)])


@pytest.fixture(scope="module")
def fitted() -> PrincipalCodes:
    generator = PrincipalCodes()
    generator.fit(bars(), device="cpu", progress=False)
    return generator


@pytest.fixture(scope="module")
def tiny() -> TinyAutoencoder:
    generator = TinyAutoencoder()
    generator.fit(bars(), steps=3, device="cpu", progress=False)
    return generator


@pytest.fixture
def images() -> Tensor:
    return bars(19, seed=1).tensors[0]


@pytest.fixture
def labels() -> Tensor:
    return bars(19, seed=1).tensors[1]


def rows_of(images: Tensor) -> Tensor:
    """Return the class that the brightness of the rows shows."""
    return (images[:, 0, 4:].float().mean((1, 2)) > images[:, 0, :4].float().mean((1, 2))).long()


def contrast(images: Tensor) -> Tensor:
    """Return how much brighter the left half is than the right one."""
    return images[..., :4].float().mean((1, 2, 3)) - images[..., 4:].float().mean((1, 2, 3))


# "invert" ------------------------------------------------------------------------------------------------------------


def test_codes_have_an_image_each_and_come_back_as_it(fitted: PrincipalCodes, images: Tensor, labels: Tensor) -> None:
    codes = fitted.encode(images, labels=labels)
    assert (codes.shape, codes.dtype, codes.device.type) == ((19, 60), torch.float32, "cpu")
    decoded = fitted.decode(codes, labels=labels)
    assert decoded.labels is not None
    assert torch.equal(decoded.labels, labels)
    assert (decoded.images.int() - images.int()).abs().float().mean() < 8  # four of 64 dimensions are lost


def test_a_code_does_not_depend_on_its_neighbours(tiny: TinyAutoencoder, images: Tensor, labels: Tensor) -> None:
    whole = tiny.encode(images)
    assert torch.equal(tiny.encode(images[:3]), whole[:3])
    others = torch.cat([images[:3], 255 - images[3:]])
    assert torch.equal(tiny.encode(others)[:3], whole[:3])
    assert torch.equal(tiny.decode(whole[:5], labels=labels[:5]).images, tiny.decode(whole, labels=labels).images[:5])


def test_no_images_have_no_codes(fitted: PrincipalCodes, images: Tensor) -> None:
    codes = fitted.encode(images[:0], labels=[])
    assert codes.shape == (0, 60)
    assert fitted.decode(codes, labels=[]).images.shape == (0, 1, 8, 8)
    assert fitted.interpolate(images[:0], images[:0], 3, labels=[]).shape == (0, 3, 1, 8, 8)


def test_codes_keep_the_precision_of_float32(fitted: PrincipalCodes, images: Tensor, labels: Tensor) -> None:
    class Halved(PrincipalCodes):
        def encode_tile(self, images: Tensor, labels: Any, noise: Noise) -> Tensor:
            return super().encode_tile(images, labels, noise).bfloat16()

    halved = Halved()
    halved.fit(bars(), device="cpu", progress=False)
    codes = halved.encode(images, labels=labels)
    assert torch.equal(codes, fitted.encode(images, labels=labels).bfloat16().float())


# "interpolate" -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["spherical", "linear"])
@pytest.mark.parametrize("steps", [2, 5])
def test_a_way_begins_and_ends_with_the_reconstructions(
    tiny: TinyAutoencoder, images: Tensor, labels: Tensor, path: str, steps: int
) -> None:
    way = tiny.interpolate(images, images.flip(0), steps, labels=labels, path=path)
    assert way.shape == (19, steps, 1, 8, 8)
    for end, source in ((0, images), (-1, images.flip(0))):
        assert torch.equal(way[:, end], tiny.decode(tiny.encode(source, labels=labels), labels=labels).images)


def test_the_middle_of_a_straight_way_is_the_mean_of_its_ends(
    fitted: PrincipalCodes, images: Tensor, labels: Tensor
) -> None:
    a, b = images[labels == 0][:4], images[labels == 0][4:8]
    middle = fitted.interpolate(a, b, 3, labels=0, path="linear")[:, 1]
    assert (middle.float() - (a.float() + b.float()) / 2).abs().mean() < 8
    assert not torch.equal(fitted.interpolate(a, b, 3, labels=0)[:, 1], middle)


def test_the_spherical_way_keeps_the_length_and_turns_evenly() -> None:
    first, last = torch.randn(2, 5, 2, 8, generator=torch.Generator().manual_seed(0))
    last = last * (first.norm(dim=(1, 2)) / last.norm(dim=(1, 2)))[:, None, None]
    way = torch.stack([on_the_way(first, last, share, spherical=True) for share in (0, 0.25, 0.5, 0.75, 1)])
    torch.testing.assert_close(way.norm(dim=(2, 3)), first.norm(dim=(1, 2)).expand(5, 5))
    turns = torch.cosine_similarity(way[1:].flatten(2), way[:-1].flatten(2), dim=2)
    torch.testing.assert_close(turns, turns[:1].expand(4, 5))
    assert torch.equal(way[0], first)
    assert torch.equal(way[-1], last)


def test_codes_without_an_angle_go_straight() -> None:
    ends = torch.tensor([[1.0, 2.0], [1.0, 2.0], [0.0, 0.0]]), torch.tensor([[2.0, 4.0], [-1.0, -2.0], [0.0, 0.0]])
    for spherical in (True, False):
        middle = on_the_way(*ends, 0.5, spherical)
        assert middle.tolist() == [[1.5, 3.0], [0.0, 0.0], [0.0, 0.0]]


def test_a_blend_is_the_weighted_mean_of_codes(fitted: PrincipalCodes, images: Tensor) -> None:
    groups = images[::2][:6].reshape(2, 3, 1, 8, 8)  # all of class 0
    mixed = fitted.blend(groups, [2, 1, 1], labels=0)
    expected = (groups.float() * torch.tensor([0.5, 0.25, 0.25]).reshape(3, 1, 1, 1)).sum(1)
    assert (mixed.images.float() - expected).abs().mean() < 8
    alone = fitted.blend(groups, [0, 3, 0], labels=0)
    assert torch.equal(alone.images, fitted.decode(fitted.encode(groups[:, 1], labels=0), labels=0).images)


# "edit" --------------------------------------------------------------------------------------------------------------


def test_an_edit_changes_its_attribute_and_not_the_class(images: Tensor, labels: Tensor) -> None:
    generator, data = PrincipalCodes(), bars()
    generator.fit(data, device="cpu", progress=False)
    assert generator.attributes == ()
    generator.learn_attribute("bright left", data.tensors[0], bright_left(), labels=data.tensors[1])
    assert generator.attributes == ("bright left",)
    still = generator.edit(images, "bright left", 0, labels=labels).images
    assert torch.equal(still, generator.decode(generator.encode(images, labels=labels), labels=labels).images)
    more = generator.edit(images, "bright left", 1, labels=labels).images
    less = generator.edit(images, "bright left", -1, labels=labels).images
    dark = ~bright_left(19)
    assert (contrast(more) - contrast(still))[dark].mean() == pytest.approx(80, abs=12)
    assert (contrast(less) - contrast(still))[~dark].mean() == pytest.approx(-80, abs=12)
    assert torch.equal(rows_of(more), labels)
    assert torch.equal(rows_of(less), labels)


def test_a_direction_within_classes_does_not_change_the_class(tiny: TinyAutoencoder) -> None:
    """Images with the attribute are mostly of class 1: without classes the direction leads to class 1, too."""
    data = bars()
    codes = {True: [], False: []}  # type: ignore[var-annotated]
    for within in codes:
        tiny.learn_attribute("left", data.tensors[0], bright_left(), labels=data.tensors[1] if within else None)
        codes[within] = tiny.directions["left"]
    images, labels = data.tensors
    differences = [
        tiny.encode(images[(labels == k) & bright_left()]).mean(0)
        - tiny.encode(images[(labels == k) & ~bright_left()]).mean(0)
        for k in (0, 1)
    ]
    torch.testing.assert_close(codes[True], (differences[0] + differences[1]) / 2, atol=0.02, rtol=0.05)
    assert (codes[False] - codes[True]).norm() > 0.1 * codes[True].norm()


@pytest.mark.parametrize("kind", [PrincipalCodes, TinyAutoencoder])
def test_attributes_are_stored(
    kind: type[LatentMethods], images: Tensor, labels: Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "_REGISTRY", registry.Registry())
    registry.register_generator(kind.name)(kind)
    generator, data = kind(), bars()
    steps: dict[str, Any] = {"steps": 2} if kind is TinyAutoencoder else {}
    generator.fit(data, device="cpu", progress=False, **steps)
    before = generator.digest()
    for name in ("b", "ä / \\ ."):
        generator.learn_attribute(name, data.tensors[0], bright_left(), labels=data.tensors[1])
    assert generator.digest() != before
    generator.save(tmp_path)
    copies = [load_generator(tmp_path), pickle.loads(pickle.dumps(generator))]
    for copy in copies:
        assert copy.attributes == ("b", "ä / \\ .")
        assert copy.digest() == generator.digest()
        edited = [one.edit(images, "b", 0.7, labels=labels).images for one in (generator, copy)]
        assert torch.equal(*edited)
    generator.fit(data, device="cpu", progress=False, start_from=copies[0] if steps else None, **steps)
    assert generator.attributes == ()


def test_networks_start_from_a_generator_with_attributes(tmp_path: Path, tiny: TinyAutoencoder) -> None:
    tiny.learn_attribute("left", bars().tensors[0], bright_left())
    tiny.save(tmp_path)
    ways = []
    for source in (tiny, tmp_path):
        other = TinyAutoencoder()
        other.fit(bars(), steps=2, start_from=source, device="cpu", progress=False)
        assert other.attributes == ()
        ways.append(other.digest())
    assert ways[0] == ways[1]
    assert tiny.attributes == ("left",)


def test_the_claim_of_a_checkpoint_stays_strict(tmp_path: Path, tiny: TinyAutoencoder) -> None:
    from augsynth.generators.checkpoints import checkpoint

    tiny.learn_attribute("left", bars().tensors[0], bright_left())
    state = dict(tiny.state())
    for name, tensors in (("spare", {"spare.weight": torch.zeros(3)}), ("direction", {"direction of": torch.zeros(3)})):
        checkpoint.write(tmp_path / name, tiny.description(), {**state, **tensors})
        with pytest.raises(CheckpointError, match="the networks lack"):
            TinyAutoencoder.load(tmp_path / name)
    for name, direction in (("nan", torch.full((4,), torch.nan)), ("double", torch.zeros(4).double())):
        checkpoint.write(tmp_path / name, tiny.description(), {**state, "direction of left": direction})
        with pytest.raises(CheckpointError, match="directions of attributes"):
            TinyAutoencoder.load(tmp_path / name)
    checkpoint.write(tmp_path / "long", tiny.description(), {**state, "direction of left": torch.zeros(5)})
    with pytest.raises(ArgumentError, match=r"direction of 'left' is \(5,\), and codes are \(4,\)"):
        TinyAutoencoder.load(tmp_path / "long").edit(bars(2).tensors[0], "left", 1)


# "translate" and "refine" --------------------------------------------------------------------------------------------


def test_a_translation_changes_the_class_and_keeps_the_rest(
    fitted: PrincipalCodes, images: Tensor, labels: Tensor
) -> None:
    translated = fitted.translate(images, 1 - labels, labels=labels)
    assert torch.equal(rows_of(translated.images), 1 - labels)
    assert translated.labels is not None
    assert torch.equal(translated.labels, 1 - labels)
    assert (contrast(translated.images) - contrast(images) > 60).sum() < 3
    assert torch.equal(fitted.translate(images, 1, labels=labels).labels, torch.ones(19, dtype=torch.int64))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["fitted", "tiny"])
def test_a_refined_image_scores_higher_and_stays_in_range(
    name: str, images: Tensor, labels: Tensor, request: pytest.FixtureRequest
) -> None:
    generator = request.getfixturevalue(name)
    seen = []

    def score(images: Tensor) -> Tensor:
        seen.append((float(images.detach().min()), float(images.detach().max())))
        return images[..., :4].mean((1, 2, 3)) - images[..., 4:].mean((1, 2, 3))

    start = score(to_signed(generator.decode(generator.encode(images, labels=labels), labels=labels).images))
    few = score(to_signed(generator.refine(images, score, 3, labels=labels).images))
    many = score(to_signed(generator.refine(images, score, 25, labels=labels).images))
    assert bool((few > start).all())
    assert bool((many > few + 0.01).all())
    assert min(low for low, _ in seen) >= -1
    assert max(high for _, high in seen) <= 1


def test_an_ascent_finds_a_narrow_top_and_never_ends_lower() -> None:
    start = torch.tensor([[4.0, 3.0], [0.5, 0.0], [0.0, 0.0]])

    def height(codes: Tensor) -> Tensor:
        return -(codes * torch.tensor([1.0, 5.0])).square().sum(1)

    heights = [height(climb(height, start, steps)) for steps in range(60)]
    assert torch.equal(heights[0], height(start))
    assert all(bool((after >= before).all()) for before, after in itertools.pairwise(heights))
    assert bool((heights[1] > heights[0])[:2].all())
    assert bool((heights[-1] > -0.1).all())


def test_an_ascent_does_not_go_where_the_height_is_not_a_number() -> None:
    start = torch.tensor([[1.0], [2.0]])
    ended = climb(lambda codes: (2.2 - codes[:, 0]).log().neg(), start, 50)
    assert bool((ended <= 2.2).all())
    assert bool((ended > 2.19).all())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_refinement_works_where_gradients_are_off(
    tiny: TinyAutoencoder, images: Tensor, mode: Callable[[], Any]
) -> None:
    def score(images: Tensor) -> Tensor:
        return images.mean((1, 2, 3))

    tiny.networks.zero_grad()
    expected = tiny.refine(images, score, 2).images
    with mode():
        assert torch.equal(tiny.refine(images, score, 2).images, expected)
        assert torch.equal(tiny.interpolate(images, images, 2)[:, 0], tiny.decode(tiny.encode(images)).images)
    assert all(weight.grad is None for weight in tiny.networks.parameters())


# Errors --------------------------------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[Callable[[PrincipalCodes, Tensor, Tensor], Any], str]] = {
    "floating-point images": (lambda g, x, y: g.encode(x.float(), labels=y), "images must be uint8"),
    "another shape": (lambda g, x, y: g.encode(x[..., 1:], labels=y), r"images must be uint8 \(19, 1, 8, 8\)"),
    "no tensor": (lambda g, x, y: g.encode(x.numpy(), labels=y), "images must be uint8"),
    "two lengths": (lambda g, x, y: g.interpolate(x, x[1:], 2, labels=1), r"images must be uint8 \(19, 1, 8, 8\)"),
    "infinite codes": (lambda g, x, y: g.decode(torch.full((19, 60), torch.inf), labels=y), "codes must be finite"),
    "a target out of range": (lambda g, x, y: g.translate(x, 2, labels=y), "labels must lie in 0…1"),
    "unknown classes": (lambda g, x, y: g.encode(x), "needs the classes of the images: give labels="),
    "a class out of range": (lambda g, x, y: g.encode(x, labels=2), r"labels must lie in 0…1"),
    "too few classes": (lambda g, x, y: g.encode(x, labels=y[1:]), "labels must be one class or 19"),
    "integer codes": (lambda g, x, y: g.decode(torch.zeros(19, 60).long(), labels=y), "codes must be float32"),
    "no codes": (lambda g, x, y: g.decode([1.0], labels=0), "codes must be float32"),
    "short codes": (lambda g, x, y: g.decode(torch.zeros(19, 5), labels=y), r"codes must be float32 \(n, 60\)"),
    "one step": (lambda g, x, y: g.interpolate(x, x, 1, labels=y), "steps must be at least 2"),
    "an unknown path": (lambda g, x, y: g.interpolate(x, x, 2, labels=y, path="round"), "path must be one of"),
    "no weights": (lambda g, x, y: g.blend(x[:, None], [], labels=y), "weights must have a sum above 0"),
    "a negative weight": (lambda g, x, y: g.blend(x[:, None], [-1], labels=y), "weight must be"),
    "too many weights": (lambda g, x, y: g.blend(x[:, None], [1, 1], labels=y), r"images must be uint8 \(n, 2, C"),
    "an unknown attribute": (lambda g, x, y: g.edit(x, "smile", 1, labels=y), "none yet: call learn_attribute"),
    "a nameless attribute": (lambda g, x, y: g.learn_attribute("", x, y > 0, labels=y), "attribute must be a name"),
    "flags that are numbers": (lambda g, x, y: g.learn_attribute("a", x, y, labels=y), "present must be bool"),
    "too few flags": (lambda g, x, y: g.learn_attribute("a", x, y[1:] > 0, labels=y), r"present must be bool \(19,\)"),
    "an attribute that is the class": (
        lambda g, x, y: g.learn_attribute("a", x, y > 0, labels=y),
        "some images and False for others of the same class",
    ),
    "no target": (lambda g, x, y: g.translate(x, None, labels=y), "to must be one class"),  # type: ignore[arg-type]
    "no refinement": (lambda g, x, y: g.refine(x, lambda x: x.mean((1, 2, 3)), 0, labels=y), "steps must be at least"),
    "a score of all": (lambda g, x, y: g.refine(x, lambda x: x.mean(), 1, labels=y), "score must return"),
    "a score without gradients": (
        lambda g, x, y: g.refine(x, lambda x: x.detach().mean((1, 2, 3)), 1, labels=y),
        "score must return a differentiable tensor",
    ),
    "no score": (lambda g, x, y: g.refine(x, lambda x: 1.0, 1, labels=y), "score must return"),  # type: ignore[arg-type,return-value]
}


@pytest.mark.parametrize("what", REFUSED)
def test_wrong_arguments_are_refused_in_words(
    fitted: PrincipalCodes, images: Tensor, labels: Tensor, what: str
) -> None:
    act, message = REFUSED[what]
    with pytest.raises(AugsynthError, match=message) as caught:
        act(fitted, images, labels)
    assert isinstance(caught.value, (ArgumentError, ArgumentTypeError))


def test_what_is_not_declared_is_refused(images: Tensor, labels: Tensor) -> None:
    class Modest(PrincipalCodes):
        capabilities = frozenset({"conditional", "interpolate"})

    modest = Modest()
    modest.fit(bars(), device="cpu", progress=False)
    assert modest.interpolate(images, images, 2, labels=labels).shape == (19, 2, 1, 8, 8)
    for call in (
        lambda: modest.encode(images, labels=labels),
        lambda: modest.decode(torch.zeros(19, 60), labels=labels),
        lambda: modest.learn_attribute("a", images, labels > 0),
        lambda: modest.edit(images, "a", 1.0),
        lambda: modest.translate(images, 1),
        lambda: modest.refine(images, lambda x: x.mean((1, 2, 3)), 1),
    ):
        with pytest.raises(CapabilityError, match="it declares conditional, interpolate"):
            call()
