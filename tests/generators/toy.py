"""Tiny generators: some that estimate, some that are trained with an optimiser and an average."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from augsynth.generators import Generator, LatentMethods, NetworkGenerator, Noise, Step, to_signed


class Means(nn.Module):
    """Running sums of pixels, one picture a class."""

    total: Tensor
    count: Tensor

    def __init__(self, classes: int, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.register_buffer("total", torch.zeros(classes, *shape))
        self.register_buffer("count", torch.zeros(classes))


class ClassMean(NetworkGenerator):
    """The mean image of a class, and Gaussian noise."""

    @dataclass(frozen=True)
    class Config:
        sigma: float = 0.1

    name = "class-mean"
    api_version = 1
    capabilities = frozenset({"conditional"})
    config: Config

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        return {"means": Means(num_classes, image_shape)}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        means = self.networks["means"]
        means.total.index_add_(0, labels, images)
        means.count.index_add_(0, labels, torch.ones(len(images), device=images.device))
        return {"seen": means.count.sum()}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        means = self.networks["means"]
        mean = means.total / means.count.clamp(min=1)[:, None, None, None]
        return mean[labels] + self.config.sigma * noise.normal(*self.image_shape)


class TinyDecoder(NetworkGenerator):
    """A linear decoder fitted to noise: no good pictures, but optimiser state, dropout and an average."""

    @dataclass(frozen=True)
    class Config:
        latent: int = 4
        widths: tuple[int, ...] = (16,)
        lr: float = 1e-2
        decay: float = 0.9

    name = "tiny-decoder"
    api_version = 1
    capabilities = frozenset({"conditional", "guide"})
    config: Config

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        assert num_classes is not None
        sizes = [self.config.latent, *self.config.widths]
        hidden = [m for a, b in itertools.pairwise(sizes) for m in (nn.Linear(a, b), nn.SiLU(), nn.Dropout(0.1))]
        pixels = image_shape[0] * image_shape[1] * image_shape[2]
        return {
            "decoder": nn.Sequential(*hidden, nn.Linear(sizes[-1], pixels), nn.Unflatten(1, image_shape)),
            "embedding": nn.Embedding(num_classes, self.config.latent),
        }

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"main": torch.optim.AdamW(self.networks.parameters(), lr=self.config.lr)}

    def averages(self) -> dict[str, float]:
        return {"decoder": self.config.decay}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        latent = step.normal(len(images), self.config.latent) + self.networks["embedding"](labels)
        loss = (self.networks["decoder"](latent) - images).square().mean()
        optimizer = step.optimizers["main"]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return {"loss": loss.detach()}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        scale = 1.0 if guidance is None else guidance
        latent = noise.normal(self.config.latent) + scale * self.networks["embedding"](labels)
        return torch.tanh(self.networks["decoder"](latent))


class PrincipalCodes(LatentMethods, Generator):
    """Principal components around the mean image of each class: codes are the components, divided by their scales.

    With as many components as pixels, it reconstructs every image exactly.
    """

    @dataclass(frozen=True)
    class Config:
        components: int = 64

    name = "principal-codes"
    api_version = 1
    tile = 8
    capabilities = frozenset({"conditional", "invert", "interpolate", "edit", "translate", "refine"})
    config: Config

    def learn(self, images: Tensor, labels: Tensor | None, *, seed: int, progress: bool) -> None:
        assert labels is not None
        values = to_signed(images).flatten(1)
        self.means = torch.stack([values[labels == k].mean(0) for k in range(self.num_classes or 0)])
        _, scales, rows = torch.linalg.svd(values - self.means[labels], full_matrices=False)
        kept = min(self.config.components, len(scales))
        self.scales = (scales[:kept] / len(values) ** 0.5).clamp(min=1e-3)
        self.rows = rows[:kept].contiguous()

    def state(self) -> Mapping[str, Tensor]:
        return {"means": self.means, "scales": self.scales, "rows": self.rows}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.means, self.scales, self.rows = state["means"], state["scales"], state["rows"]

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        return self.decode_tile(noise.normal(len(self.scales)), labels)

    def encode_tile(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        return (images.flatten(1) - self.means[self.required(labels)]) @ self.rows.T / self.scales

    def decode_tile(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        values = self.means[self.required(labels)] + (codes * self.scales) @ self.rows
        return values.unflatten(1, self.image_shape)


class TinyAutoencoder(LatentMethods, TinyDecoder):
    """`TinyDecoder` with an encoder that knows no classes and is never trained."""

    @dataclass(frozen=True)
    class Config(TinyDecoder.Config):
        pass

    name = "tiny-autoencoder"
    tile = 8
    capabilities = frozenset({"conditional", "guide", "invert", "interpolate", "edit", "refine"})

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        pixels = image_shape[0] * image_shape[1] * image_shape[2]
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(pixels, self.config.latent))
        return {**super().build(image_shape, num_classes), "encoder": encoder}

    def encode_tile(self, images: Tensor, labels: Tensor | None, noise: Noise) -> Tensor:
        codes: Tensor = self.networks["encoder"](images)
        return codes

    def decode_tile(self, codes: Tensor, labels: Tensor | None) -> Tensor:
        shift = 0.0 if labels is None else self.networks["embedding"](labels)
        return torch.tanh(self.networks["decoder"](codes + shift))
