"""Networks of `stylegan2`: modulation, styles of layers, path lengths and means of styles."""

from __future__ import annotations

import math

import pytest
import torch
from augsynth_gan.styles import Mapping, ModulatedConvolution, StyledGenerator, Synthesis, mixed, path_lengths
from torch.nn import functional as F

SHAPES = [(1, 8, 8), (1, 27, 33), (3, 30, 20), (3, 64, 64), (2, 8, 64), (1, 5, 40)]


@pytest.fixture(autouse=True)
def _seeded() -> object:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


@pytest.mark.parametrize("shape", SHAPES)
def test_draws_any_shape(shape: tuple[int, int, int]) -> None:
    network = StyledGenerator(shape, 3, latent=4, style=8, mapping_layers=2, channels=4)
    images = network(torch.randn(5, 4), torch.arange(5) % 3, torch.randn(5, network.synthesis.noise_size))
    assert images.shape == (5, *shape)
    assert 0.1 < images.std() < 10


@pytest.mark.parametrize("demodulate", [True, False])
def test_modulated_convolution_is_a_convolution_with_scaled_weights_for_each_sample(demodulate: bool) -> None:
    layer = ModulatedConvolution(3, 4, style=5, kernel=3, demodulate=demodulate).double()
    x, styles = torch.randn(6, 3, 7, 5).double(), torch.randn(6, 5).double()
    expected = []
    for image, style in zip(x, styles, strict=True):
        weight = layer.weight * layer.scale(style)[None, :, None, None]
        if demodulate:
            weight = weight / weight.square().sum((1, 2, 3), keepdim=True).add(1e-8).sqrt()
        expected.append(F.conv2d(image[None], weight, padding=1))
    torch.testing.assert_close(layer(x, styles), torch.cat(expected))


def test_doubling_convolution_enlarges_by_the_rules_of_the_kernel() -> None:
    """A kernel with the centre alone copies each pixel; the next pixels along both sides share it with their own."""
    layer = ModulatedConvolution(1, 1, style=2, kernel=3, demodulate=False)
    torch.nn.init.zeros_(layer.scale.weight)  # all scales are 1
    with torch.no_grad():
        layer.weight.zero_()[0, 0, 1, 1] = 1.0
    x = torch.randn(1, 1, 3, 4)
    torch.testing.assert_close(layer(x, torch.randn(1, 2), doubled=True), F.interpolate(x, scale_factor=2.0))


@pytest.mark.parametrize("doubled", [False, True])
def test_demodulation_keeps_unit_variance_whatever_the_style(doubled: bool) -> None:
    layer = ModulatedConvolution(64, 64, style=4, kernel=3)
    x, styles = torch.randn(8, 64, 16, 16), 5 * torch.randn(8, 4)
    inner = layer(x, styles, doubled=doubled)[:, :, 2:-2, 2:-2]  # away from the padding
    deviations = inner.std((1, 2, 3))
    torch.testing.assert_close(deviations, torch.ones(8), atol=0.15, rtol=0)
    plain = ModulatedConvolution(64, 64, style=4, kernel=3, demodulate=False)
    assert plain(x, styles, doubled=doubled).std((1, 2, 3)).max() > 3


def test_mixed_styles_change_only_from_their_layer_on() -> None:
    """The picture of every level below the first changed layer stays, and the next one changes."""
    synthesis = Synthesis((1, 32, 32), width=6, channels=4)
    noise = torch.randn(1, synthesis.noise_size)
    first, second = torch.randn(2, 1, 6)
    parts: list[torch.Tensor] = []
    for image in synthesis.images:
        image.register_forward_hook(lambda module, inputs, output: parts.append(output))
    for start in (0, 1, 3, synthesis.layers):
        parts.clear()
        for second_style in (first, second):
            synthesis(mixed(first, second_style, torch.tensor([start]), synthesis.layers), noise)
        same = [torch.equal(a, b) for a, b in zip(parts[:3], parts[3:], strict=True)]
        # The levels have the layers 0, 1 and 2, 3 and 4.
        assert same == [start > last for last in (0, 2, 4)]


def test_noise_changes_images_once_its_strength_is_learnt() -> None:
    synthesis = Synthesis((1, 8, 8), width=6, channels=4)
    styles = torch.randn(1, synthesis.layers, 6)
    noises = torch.randn(2, synthesis.noise_size)
    before = [synthesis(styles, noise[None]) for noise in noises]
    assert torch.equal(*before)
    for level in synthesis.levels:
        for layer in level:
            torch.nn.init.ones_(layer.strength)
    after = [synthesis(styles, noise[None]) for noise in noises]
    assert not torch.allclose(*after)


def test_path_length_of_a_linear_map_is_the_length_of_its_transpose() -> None:
    """Images A w with two styles: ‖Jᵀy‖² is the mean over layers of ‖A_lᵀ y‖², over HW."""
    maps = torch.randn(2, 12, 5, dtype=torch.float64, requires_grad=True)  # for each layer, from style to pixels
    styles = torch.randn(7, 2, 5, dtype=torch.float64, requires_grad=True)
    directions = torch.randn(7, 1, 3, 4, dtype=torch.float64)
    images = torch.einsum("lps,bls->bp", maps, styles).view(7, 1, 3, 4)
    lengths = path_lengths(images, styles, directions)
    pulled = torch.einsum("lps,bp->bls", maps, directions.view(7, 12))
    torch.testing.assert_close(lengths, (pulled.square().sum(2).mean(1) / 12).sqrt())
    torch.autograd.backward(lengths.sum())
    assert maps.grad is not None
    assert (maps.grad != 0).any()


def test_path_lengths_can_be_made_alike() -> None:
    """Descent on (‖Jᵀy‖ − a)² brings the lengths near a: the regulariser reaches the weights of all layers."""
    synthesis = Synthesis((1, 8, 8), width=6, channels=4)
    optimizer = torch.optim.Adam(synthesis.parameters(), lr=0.02)
    styles, noise = torch.randn(16, synthesis.layers, 6, requires_grad=True), torch.zeros(16, synthesis.noise_size)
    spreads = []
    for _ in range(40):
        lengths = path_lengths(synthesis(styles, noise), styles, torch.randn(16, 1, 8, 8))
        spreads.append((lengths - 0.5).square().mean())
        optimizer.zero_grad()
        torch.autograd.backward(spreads[-1])
        optimizer.step()
    assert sum(spreads[-5:]) < 0.3 * sum(spreads[:5])


def test_means_follow_the_styles_of_their_class_alone() -> None:
    mapping = Mapping(3, latent=2, width=1, layers=1)
    mapping.track(torch.tensor([[4.0], [6.0], [7.0]]), torch.tensor([0, 0, 2]))
    assert mapping.means.flatten().tolist() == [5.0, 0.0, 7.0]
    mapping.track(torch.tensor([[9.0], [3.0]]), torch.tensor([0, 1]))
    assert mapping.means.flatten().tolist() == [7.0, 3.0, 7.0]
    for _ in range(1000):  # old styles are forgotten
        mapping.track(torch.tensor([[1.0]]), torch.tensor([0]))
    torch.testing.assert_close(mapping.means.flatten(), torch.tensor([1.0, 3.0, 7.0]), atol=0.01, rtol=0)


def test_mapping_learns_at_a_hundredth_of_the_rate() -> None:
    """A step of Adam moves an output by the rate times the sum of its inputs, and here by a hundredth of it."""
    mapping = Mapping(1, latent=4, width=3, layers=1)
    latents, labels = torch.randn(1, 4), torch.tensor([0])
    before = mapping(latents, labels)
    optimizer = torch.optim.Adam(mapping.layers.parameters(), lr=0.1)
    torch.autograd.backward(before.sum())
    optimizer.step()
    change = (mapping(latents, labels) - before).abs().max()
    assert 0 < change < 0.1 * 0.01 * 1.5 * (1 + 8 * 2)


def test_mapping_does_not_see_the_length_of_the_latent_vector() -> None:
    mapping = Mapping(2, latent=4, width=3, layers=2)
    latents, labels = torch.randn(5, 4), torch.arange(5) % 2
    torch.testing.assert_close(mapping(latents, labels), mapping(3 * latents, labels), atol=1e-5, rtol=0)
    assert not torch.allclose(mapping(latents, labels), mapping(latents, 1 - labels))


def test_truncation_goes_from_the_mean_style_to_the_drawn_one() -> None:
    network = StyledGenerator((1, 8, 8), 2, latent=4, style=6, mapping_layers=1, channels=4)
    network.mapping.means.normal_()
    latents, labels = torch.randn(4, 4), torch.tensor([0, 0, 1, 1])
    noise = torch.zeros(4, network.synthesis.noise_size)
    typical = network(latents, labels, noise, truncation=0.0)
    torch.testing.assert_close(typical[0], typical[1])
    assert not torch.allclose(typical[0], typical[2])
    drawn = network(latents, labels, noise)
    distances = [(network(latents, labels, noise, truncation=t) - typical).norm().item() for t in (0.25, 0.5, 1.0)]
    assert distances == sorted(distances)
    assert math.isclose(distances[-1], (drawn - typical).norm().item(), rel_tol=1e-5)
