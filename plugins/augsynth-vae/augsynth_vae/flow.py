"""A learned prior of latent codes: an invertible network between codes and standard normal numbers.

The aggregate posterior of a class is seldom a standard normal distribution. Codes that are drawn from one then lie
where the decoder has learned nothing, and give images that are wrong. A flow learns where the codes of a class are.
Dinh, Sohl-Dickstein & Bengio, "Density estimation using Real NVP", ICLR 2017; as the prior of an autoencoder in Chen et
al., "Variational lossy autoencoder", ICLR 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from augsynth_vae.networks import Classes

HIDDEN = 128
SCALE_LIMIT = 2.0


class Coupling(nn.Module):
    """Affine coupling: half of the numbers scales and shifts the other half, so that it is inverted in one pass.

    Args:
        latent: length of the codes, at least 1.
        num_classes: number of classes, at least 1; None for codes without a class.
        parity: 0 or 1; numbers at even or odd places are kept.
    """

    kept: Tensor

    def __init__(self, latent: int, num_classes: int | None, parity: int) -> None:
        super().__init__()
        self.register_buffer("kept", (torch.arange(latent) % 2 == parity).float())
        self.classes = Classes(num_classes, HIDDEN)
        self.first = nn.Linear(latent, HIDDEN)
        self.second = nn.Linear(HIDDEN, HIDDEN)
        self.head = nn.Linear(HIDDEN, 2 * latent)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, numbers: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Return numbers closer to a standard normal distribution (B, latent), and log |det| of the map (B,)."""
        log_scale, shift = self._map(numbers, labels)
        return numbers * log_scale.exp() + shift, log_scale.sum(1)

    def inverse(self, numbers: Tensor, labels: Tensor | None) -> Tensor:
        """Invert `forward`."""
        log_scale, shift = self._map(numbers, labels)
        return (numbers - shift) * torch.exp(-log_scale)

    def _map(self, numbers: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        features = F.silu(self.first(numbers * self.kept) + self.classes.of(labels, len(numbers)))
        features = features + F.silu(self.second(features))
        log_scale, shift = self.head(features).chunk(2, dim=1)
        # A limit, so that one step of the optimiser cannot blow a code up.
        log_scale = SCALE_LIMIT * torch.tanh(log_scale / SCALE_LIMIT)
        changed = 1 - self.kept
        return changed * log_scale, changed * shift


class Flow(nn.Module):
    """Prior p(z | class) = N(f(z); 0, 1) · |det ∂f/∂z|, where f is a sequence of couplings.

    Args:
        latent: length of the codes, at least 1.
        num_classes: number of classes, at least 1; None for codes without a class.
        layers: number of couplings, at least 0; with 0, codes are standard normal.
    """

    def __init__(self, latent: int, num_classes: int | None, layers: int) -> None:
        super().__init__()
        self.couplings = nn.ModuleList(Coupling(latent, num_classes, index % 2) for index in range(layers))

    def forward(self, codes: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        """Map codes to standard normal numbers.

        Args:
            codes: (B, latent).
            labels: int64 (B,), or None without classes.

        Returns:
            The numbers f(z), (B, latent), and log |det ∂f/∂z|, (B,).
        """
        log_det = codes.new_zeros(len(codes))
        for coupling in self.couplings:
            codes, change = coupling(codes, labels)
            log_det = log_det + change
        return codes, log_det

    def inverse(self, numbers: Tensor, labels: Tensor | None) -> Tensor:
        """Map standard normal numbers to codes, (B, latent).

        Args:
            numbers: (B, latent).
            labels: int64 (B,), or None without classes.
        """
        for coupling in reversed(self.couplings):
            assert isinstance(coupling, Coupling)
            numbers = coupling.inverse(numbers, labels)
        return numbers
