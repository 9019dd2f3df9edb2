"""The `cyclegan` generator: translation between two domains, learnt from images that are not paired.

Written from Zhu, Park, Isola & Efros, "Unpaired image-to-image translation using cycle-consistent adversarial
networks", ICCV 2017. With images x of domain 0 and y of domain 1, translators G (to 1) and F (to 0) and their
discriminators D, the losses are

    translators:     (D₁(G(x)) − 1)² + (D₀(F(y)) − 1)²
                     + λ · (|F(G(x)) − x| + |G(F(y)) − y|) + λι · (|F(x) − x| + |G(y) − y|)
    discriminators:  ½ (D₁(y) − 1)² + ½ D₁(G(x))² + ½ (D₀(x) − 1)² + ½ D₀(F(y))²

each as the mean over images, pixels and patches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from augsynth.errors import ArgumentTypeError, DataError
from augsynth.generators import NetworkGenerator, Noise, NotFittedError, Samples, Step, to_signed, to_uint8
from augsynth.generators.labels import check_labels
from augsynth.generators.toolkit import TrainingOptions, WarmupCosine, autocast, option
from augsynth_gan.translators import History, PatchDiscriminator, Sources, Translator

_DOMAINS = (0, 1)


@dataclass(frozen=True)
class CycleGANConfig(TrainingOptions):
    """Options of `create_generator("cyclegan", …)`, beside those of `TrainingOptions`.

    Args:
        channels: channels at the finest level of all networks, at least 1; default 16. The paper has 64.
        blocks: residual blocks of a translator, at least 1; default 3. The paper has 6 or 9.
        cycle: λ, weight of the cycle loss, at least 0; default 10.
        identity: ι, weight of the identity loss as a share of λ, at least 0; default 0. The paper has 0.5 where
            colours should remain, as between photographs and paintings.
        history: earlier translations of each domain that discriminators are shown, at least 1; default 50.
        sources: training images of each domain that are stored with the weights, and from which samples are
            translated, at least 2; default 256.
        learning_rate: learning rate of all networks at the peak of the schedule, above 0; default 0.001.
        max_norm: as in `TrainingOptions`; default None.
    """

    schedule = WarmupCosine(steps=1, share=0.0, end=0.01)
    betas = (0.5, 0.999)

    channels: int = option(16, at_least=1)
    blocks: int = option(3, at_least=1)
    cycle: float = option(10.0, at_least=0)
    identity: float = option(0.0, at_least=0)
    history: int = option(50, at_least=1)
    sources: int = option(256, at_least=2)
    learning_rate: float = option(1e-3, above=0)
    max_norm: float | None = option(None, above=0)


class CycleGAN(NetworkGenerator):
    """Two networks that translate images between two domains, which are the two classes of the data set.

    A sample of one domain is the translation of a training image of the other one. The noise chooses it among those
    that are stored with the weights.

    Args:
        config: options; None for the defaults.
    """

    name = "cyclegan"
    api_version = 1
    capabilities = frozenset({"conditional", "translate"})
    Config = CycleGANConfig
    config: CycleGANConfig

    def build(self, image_shape: tuple[int, int, int], num_classes: int | None) -> dict[str, nn.Module]:
        if num_classes != len(_DOMAINS):
            raise DataError(
                f"'cyclegan' translates between two domains: it needs a data set of 2 classes, got {num_classes}; "
                "keep the images of two classes, or label them by their domain"
            )
        c = self.config
        translators = {f"to_{d}": Translator(image_shape, channels=c.channels, blocks=c.blocks) for d in _DOMAINS}
        judges = {f"discriminator_{d}": PatchDiscriminator(image_shape, channels=c.channels) for d in _DOMAINS}
        histories = {f"history_{d}": History(image_shape, c.history) for d in _DOMAINS}
        return {**translators, **judges, **histories, "sources": Sources(image_shape, c.sources)}

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {
            kind: self.config.make_optimizer([w for d in _DOMAINS for w in self.networks[f"{kind}_{d}"].parameters()])
            for kind in ("to", "discriminator")
        }

    def averages(self) -> dict[str, float]:
        return {f"to_{d}": self.config.decay for d in _DOMAINS}

    def training_step(self, images: Tensor, labels: Tensor | None, step: Step) -> Mapping[str, Tensor | float]:
        assert labels is not None
        real = [images[labels == domain] for domain in _DOMAINS]
        for domain in _DOMAINS:
            self._stored.add(to_uint8(real[domain]), domain)
        fakes, metrics = self._train_translators(real, step)
        return {**metrics, "discriminator": self._train_discriminators(real, fakes, step)}

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        assert labels is not None
        if not self._stored.stored.all():
            raise NotFittedError("the fit of 'cyclegan' met images of one domain only: fit it for more steps")
        return self._translated(to_signed(self._stored.draw(1 - labels, noise.uniform())), labels)

    def translate(
        self, images: Tensor, to: int | Sequence[int] | Tensor, *, labels: int | Sequence[int] | Tensor | None = None
    ) -> Samples:
        """Translate images into the other domain. Images that are in the domain already, by `labels`, do not change.

        Args:
            images: uint8 (n, C, H, W).
            to: one domain, or a domain for each image.
            labels: domains of the images; by default, each image is in the other domain.
        """
        if to is None:
            raise ArgumentTypeError("to must be one class, or a class for each image, got None")
        results = self.map_tiles(lambda noise, to, images: self._translated(images, to), images, labels=to)
        domains = check_labels(self.name, to, len(images), 0, self.num_classes)
        if labels is not None:
            kept = check_labels(self.name, labels, len(images), 0, self.num_classes) == domains
            results[kept] = images.cpu()[kept]
        return Samples(results, domains)

    @property
    def _stored(self) -> Sources:
        return cast(Sources, self.networks["sources"])

    def _translated(self, images: Tensor, domains: Tensor) -> Tensor:
        # Both networks see all images: a result must not depend on how many of its neighbours go the same way.
        first, second = (self.networks[f"to_{domain}"](images) for domain in _DOMAINS)
        return torch.where(domains.view(-1, 1, 1, 1) == 0, first, second)

    def _train_translators(self, real: list[Tensor], step: Step) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Improve both translators; return the translations into each domain, and the losses."""
        networks, config = self.networks, self.config
        frozen = [networks[f"discriminator_{domain}"].requires_grad_(False) for domain in _DOMAINS]
        with autocast(step.device, config.precision):
            fakes = [networks[f"to_{domain}"](real[1 - domain]) for domain in _DOMAINS]
            fooled = _total((frozen[domain](fakes[domain]) - 1).square() for domain in _DOMAINS)
            cycle = _total((networks[f"to_{domain}"](fakes[1 - domain]) - real[domain]).abs() for domain in _DOMAINS)
            loss = fooled + config.cycle * cycle
            if config.identity > 0:
                same = _total((networks[f"to_{domain}"](real[domain]) - real[domain]).abs() for domain in _DOMAINS)
                loss = loss + config.cycle * config.identity * same
        config.descend(step, "to", loss)
        for discriminator in frozen:
            discriminator.requires_grad_(True)
        return [fake.detach() for fake in fakes], {"translators": fooled.detach(), "cycle": cycle.detach()}

    def _train_discriminators(self, real: list[Tensor], fakes: list[Tensor], step: Step) -> Tensor:
        """Improve both discriminators with real images and with translations, some of them earlier ones."""
        with autocast(step.device, self.config.precision):
            losses = []
            for domain in _DOMAINS:
                history = cast(History, self.networks[f"history_{domain}"])
                shown = history.exchange(fakes[domain], step.uniform(len(fakes[domain]), 2))
                discriminator = self.networks[f"discriminator_{domain}"]
                losses += [(discriminator(real[domain]) - 1).square() / 2, discriminator(shown).square() / 2]
            loss = _total(losses)
        self.config.descend(step, "discriminator", loss)
        return loss.detach()


def _total(parts: Iterable[Tensor]) -> Tensor:
    """Return the sum of the means of tensors. One without values, from a batch without a domain, counts as 0."""
    return torch.stack([part.sum() / max(part.numel(), 1) for part in parts]).sum()
