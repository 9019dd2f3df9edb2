"""Parts of `cyclegan`: translators and discriminators of any shape, the history and the stored sources."""

from __future__ import annotations

import pytest
import torch
from augsynth_gan.translators import History, PatchDiscriminator, Sources, Translator

SHAPES = [(1, 8, 8), (1, 27, 33), (3, 30, 20), (3, 64, 64), (2, 8, 64), (1, 1, 3)]


@pytest.fixture(autouse=True)
def _seeded() -> object:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("batch", [0, 1, 3])
def test_take_any_shape_and_any_batch(shape: tuple[int, int, int], batch: int) -> None:
    images = torch.randn(batch, *shape)
    translated = Translator(shape, channels=4, blocks=1)(images)
    assert translated.shape == images.shape
    assert translated.isfinite().all()
    assert PatchDiscriminator(shape, channels=4)(images).shape[:2] == (batch, 1)


def test_a_translation_does_not_depend_on_its_neighbours() -> None:
    translator, images = Translator((1, 8, 8), channels=4, blocks=1), torch.randn(4, 1, 8, 8)
    others = torch.cat([images[:1], torch.randn(3, 1, 8, 8)])
    torch.testing.assert_close(translator(images)[0], translator(others)[0])


def test_a_score_belongs_to_a_patch() -> None:
    """A change in a corner changes the scores there more than those of the opposite corner."""
    discriminator, images = PatchDiscriminator((1, 64, 64), channels=4), torch.randn(1, 1, 64, 64)
    changed = images.clone()
    changed[..., :6, :6] = 3.0
    change = (discriminator(changed) - discriminator(images)).abs()[0, 0]
    assert change[0, 0] > 3 * change[-1, -1]


def _numbered(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32).view(-1, 1, 1, 1)


def test_history_is_filled_and_then_exchanged() -> None:
    history = History((1, 1, 1), size=2)
    kept = torch.tensor([[0.9, 0.0]])
    assert history.exchange(_numbered(1), kept).flatten().tolist() == [1]
    assert history.exchange(_numbered(2, 3), kept.expand(2, 2)).flatten().tolist() == [2, 3]  # 3 finds no place
    swapped = torch.tensor([[0.1, 0.99], [0.1, 0.99], [0.9, 0.0]])
    assert history.exchange(_numbered(4, 5, 6), swapped).flatten().tolist() == [2, 4, 6]
    assert history.images.flatten().tolist() == [1, 5]
    assert history.exchange(torch.zeros(0, 1, 1, 1), torch.zeros(0, 2)).shape == (0, 1, 1, 1)


def test_half_of_the_shown_images_are_earlier_ones() -> None:
    history, new = History((1, 1, 1), size=50), torch.arange(2050.0).view(-1, 1, 1, 1)
    shown = history.exchange(new, torch.rand(2050, 2))
    assert torch.equal(shown[:50], new[:50])
    assert (shown <= new).all()
    assert 0.45 < (shown < new)[50:].float().mean() < 0.55


def test_sources_keep_the_first_images_of_each_domain() -> None:
    sources = Sources((1, 1, 1), size=3)
    sources.add(torch.tensor([10, 11], dtype=torch.uint8).view(2, 1, 1, 1), 1)
    sources.add(torch.tensor([12, 13], dtype=torch.uint8).view(2, 1, 1, 1), 1)
    sources.add(torch.tensor([7], dtype=torch.uint8).view(1, 1, 1, 1), 0)
    assert sources.stored.tolist() == [1, 3]
    drawn = sources.draw(torch.tensor([1, 1, 1, 0]), torch.tensor([0.0, 0.5, 0.999, 0.999]))
    assert drawn.flatten().tolist() == [10, 11, 12, 7]
