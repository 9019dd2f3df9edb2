"""The two networks that draw images from styles: latent vectors become styles, and styles scale feature maps.

Karras, Laine, Aittala, Hellsten, Lehtinen & Aila, "Analyzing and improving the image quality of StyleGAN", CVPR 2020.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth_gan.networks import patch_size, pyramid, widths

_SLOPE = 0.2
_GAIN = math.sqrt(2 / (1 + _SLOPE**2))
_TINY = 1e-8
_LEAST_SHARE = 0.01
_MAPPING_RATE = 0.01


class Mapping(nn.Module):
    """Network from latent vectors (B, latent) and classes (B,) to styles (B, width). It keeps the mean of each class.

    Args:
        num_classes: number of classes, at least 1.
        latent: length of the latent vectors, at least 1.
        width: length of a style, at least 1.
        layers: number of layers, at least 1.
    """

    means: Tensor
    batches: Tensor

    def __init__(self, num_classes: int, *, latent: int, width: int, layers: int) -> None:
        super().__init__()
        self.classes = nn.Embedding(num_classes, latent)
        self.layers = nn.ModuleList(_SlowLinear(2 * latent if k == 0 else width, width) for k in range(layers))
        self.register_buffer("means", torch.zeros(num_classes, width))
        self.register_buffer("batches", torch.zeros(num_classes, 1))

    def forward(self, latents: Tensor, labels: Tensor) -> Tensor:
        x = torch.cat([_normalised(latents), _normalised(self.classes(labels))], dim=1)
        for layer in self.layers:
            x = _activate(layer(x))
        return x

    @torch.no_grad()
    def track(self, styles: Tensor, labels: Tensor) -> None:
        """Include styles in the running means of their classes. Classes that do not occur keep theirs.

        A mean is that of all batches with the class at first, and later forgets old ones.

        Args:
            styles: (B, width).
            labels: classes, int64 (B,).
        """
        members = F.one_hot(labels, len(self.means)).T.float()
        counts = members.sum(1, keepdim=True)
        present = (counts > 0).float()
        self.batches.add_(present)
        share = present * (1 / self.batches.clamp(min=1)).clamp(min=_LEAST_SHARE)
        self.means.lerp_(members @ styles.float() / counts.clamp(min=1), share)


class ModulatedConvolution(nn.Module):
    """Convolution whose weights are scaled for each sample, and then brought to unit length again.

    Input channel i is multiplied by the scale s_i, which is an affine function of the style:

        w'_oik = s_i · w_oik,    w''_oik = w'_oik / √(Σ_ik w'_oik² + ε)

    Both scalings commute with the convolution, so the input and the output are scaled in place of the weights: all
    samples then share one convolution.

    Args:
        before: input channels, at least 1.
        after: output channels, at least 1.
        style: length of the styles, at least 1.
        kernel: side of the kernel, odd.
        demodulate: False omits the second scaling.
    """

    def __init__(self, before: int, after: int, *, style: int, kernel: int, demodulate: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before, kernel, kernel) / math.sqrt(before * kernel**2))
        self.scale = nn.Linear(style, before)
        nn.init.kaiming_normal_(self.scale.weight, nonlinearity="linear")
        nn.init.ones_(self.scale.bias)
        self._demodulate = demodulate

    def forward(self, x: Tensor, style: Tensor, *, doubled: bool = False) -> Tensor:
        scales = self.scale(style)  # (B, before)
        x = x * scales[:, :, None, None]
        y = _doubling(x, self.weight) if doubled else F.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2)
        if self._demodulate:
            squares = scales.square() @ self.weight.square().sum((2, 3)).T  # (B, after)
            y = y * (squares + _TINY).rsqrt()[:, :, None, None]
        return y


class StyledLayer(nn.Module):
    """Modulated convolution, then noise of a learnt strength, a bias and leaky ReLU.

    Args:
        before: input channels, at least 1.
        after: output channels, at least 1.
        style: length of the styles, at least 1.
        size: rows and columns of the output: those of the input, or about twice as many.
    """

    def __init__(self, before: int, after: int, *, style: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.convolution = ModulatedConvolution(before, after, style=style, kernel=3)
        self.bias = nn.Parameter(torch.zeros(after, 1, 1))
        self.strength = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        height, width = self.size
        x = self.convolution(x, style, doubled=x.shape[2:] != self.size)[:, :, :height, :width]
        return _activate(x + self.strength * noise.view(-1, 1, height, width) + self.bias)


class Synthesis(nn.Module):
    """Network from styles (B, layers, width) and noise (B, noise_size) to images (B, C, H, W), about −1 to 1.

    It begins with a learnt constant. Each level adds its image to the enlarged image of the level before it (the "skip"
    architecture of the paper). A level has two layers, the first level one.

    Args:
        image_shape: (C, H, W).
        width: length of a style, at least 1.
        channels: channels at the finest level, at least 1.
    """

    path_mean: Tensor

    def __init__(self, image_shape: tuple[int, int, int], *, width: int, channels: int) -> None:
        super().__init__()
        self._sides, self._patch = image_shape[1:], patch_size(*image_shape[1:])
        sizes = pyramid(*image_shape[1:])
        counts = widths(len(sizes), channels)
        self.constant = nn.Parameter(torch.randn(1, counts[0], *sizes[0]))
        self.levels = nn.ModuleList()
        self.images = nn.ModuleList()
        self.noise_sizes: list[int] = []
        for level, (count, size) in enumerate(zip(counts, sizes, strict=True)):
            inputs = [counts[level - 1], count] if level else [count]
            self.levels.append(nn.ModuleList(StyledLayer(before, count, style=width, size=size) for before in inputs))
            self.noise_sizes += [math.prod(size)] * len(inputs)
            values = image_shape[0] * self._patch**2
            self.images.append(ModulatedConvolution(count, values, style=width, kernel=1, demodulate=False))
        self.bias = nn.Parameter(torch.zeros(image_shape[0], 1, 1))
        self.register_buffer("path_mean", torch.zeros(()))

    @property
    def layers(self) -> int:
        """The number of layers, each of which has a style of its own."""
        return len(self.noise_sizes)

    @property
    def noise_size(self) -> int:
        """The number of noise values of a sample: one for each position of each layer."""
        return sum(self.noise_sizes)

    def forward(self, styles: Tensor, noise: Tensor) -> Tensor:
        inputs = zip(styles.unbind(1), torch.split(noise, self.noise_sizes, dim=1), strict=True)
        x = self.constant.expand(len(styles), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        picture = None
        for level, image in zip(self.levels, self.images, strict=True):
            for layer in level.children():
                style, values = next(inputs)
                x = layer(x, style, values)
            part = F.pixel_shuffle(image(x, style), self._patch)
            picture = part if picture is None else part + F.interpolate(picture, part.shape[2:], mode="bilinear")
        assert picture is not None
        height, width = self._sides
        return (picture + self.bias)[:, :, :height, :width].float()


class StyledGenerator(nn.Module):
    """Mapping and synthesis: from latent vectors (B, latent) and classes (B,) to images (B, C, H, W).

    Args:
        image_shape: (C, H, W).
        num_classes: number of classes, at least 1.
        latent: length of the latent vectors, at least 1.
        style: length of a style, at least 1.
        mapping_layers: number of layers of the mapping, at least 1.
        channels: channels at the finest level, at least 1.
    """

    def __init__(
        self,
        image_shape: tuple[int, int, int],
        num_classes: int,
        *,
        latent: int,
        style: int,
        mapping_layers: int,
        channels: int,
    ) -> None:
        super().__init__()
        self.mapping = Mapping(num_classes, latent=latent, width=style, layers=mapping_layers)
        self.synthesis = Synthesis(image_shape, width=style, channels=channels)

    def forward(self, latents: Tensor, labels: Tensor, noise: Tensor, truncation: float = 1.0) -> Tensor:
        style = self.mapping.means[labels].lerp(self.mapping(latents, labels), truncation)
        images: Tensor = self.synthesis(style[:, None].expand(-1, self.synthesis.layers, -1), noise)
        return images


def mixed(first: Tensor, second: Tensor, start: Tensor, layers: int) -> Tensor:
    """Mix two styles of each sample: layers below `start` get the first one, and the others get the second.

    Args:
        first: styles, (B, width).
        second: styles, (B, width).
        start: layer where the second style begins, (B,); `layers` for the first style alone.
        layers: number of layers.

    >>> mixed(torch.zeros(2, 1), torch.ones(2, 1), torch.tensor([1, 3]), layers=3)[:, :, 0]
    tensor([[0., 1., 1.],
            [0., 0., 0.]])
    """
    later = torch.arange(layers, device=start.device) >= start[:, None]  # (B, layers)
    return torch.where(later[:, :, None], second[:, None], first[:, None])


def path_lengths(images: Tensor, styles: Tensor, directions: Tensor) -> Tensor:
    """Compute ‖Jᵀy‖ of each sample, where J is the derivative of the image in its styles. It can be differentiated.

    Several styles of a sample count as the mean of their squared lengths. y is scaled by 1/√(HW), so that lengths do
    not grow with the image.

    Args:
        images: (B, C, H, W), computed from `styles`.
        styles: (B, layers, width), with `requires_grad`.
        directions: y, standard normal numbers of the shape of the images.

    >>> styles = torch.ones(1, 1, 2, requires_grad=True)
    >>> images = (styles @ torch.tensor([3.0, 4.0])).view(1, 1, 1, 1)
    >>> path_lengths(images, styles, torch.ones(1, 1, 1, 1)).item()
    5.0
    """
    height, width = images.shape[2:]
    projected = (images * directions).sum() / math.sqrt(height * width)
    (gradients,) = torch.autograd.grad(projected, styles, create_graph=True)
    return gradients.square().sum(2).mean(1).add(_TINY).sqrt()


class _SlowLinear(nn.Module):
    """Linear layer that learns at a hundredth of the learning rate: its parameters are a hundred times as large.

    A mapping that learns at the full rate soon ignores the latent vector, and all samples of a class become alike. The
    factor is that of Karras, Laine & Aila, "A style-based generator architecture for GANs", CVPR 2019.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(after, before) / math.sqrt(before) / _MAPPING_RATE)
        self.bias = nn.Parameter(torch.zeros(after))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight * _MAPPING_RATE, self.bias * _MAPPING_RATE)


def _doubling(x: Tensor, weight: Tensor) -> Tensor:
    """Convolve with a stride of ½, and then sum each 2x2 neighbours: a convolution of the enlarged and blurred input.

    Each output value is the sum of all products of the kernel, so that demodulation holds for it.
    """
    spread = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)  # (B, after, 2H + 1, 2W + 1)
    return F.avg_pool2d(spread, 2, stride=1, divisor_override=1)


def _normalised(x: Tensor) -> Tensor:
    return x * (x.square().mean(1, keepdim=True) + _TINY).rsqrt()


def _activate(x: Tensor) -> Tensor:
    return F.leaky_relu(x, _SLOPE) * _GAIN
