"""The `diffusers` generator: a pretrained pipeline of the library of that name, which draws classes from prompts.

von Platen et al., "Diffusers: state-of-the-art diffusion models", https://github.com/huggingface/diffusers, 2022.
Variations of real images under the prompts of their classes: Trabucco et al., "Effective data augmentation with
diffusion models" (DA-Fusion), ICLR 2024.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from augsynth.core.checks import check_number
from augsynth.errors import ArgumentError, ArgumentTypeError, CheckpointError, shown
from augsynth.generators import Generator, Noise, Samples
from augsynth.generators.contract.capabilities import Labels
from augsynth.generators.labels import check_labels
from augsynth.generators.toolkit import check_options, option
from augsynth_diffusion.painters import Painter, Prompted, Unprompted, sibling
from augsynth_diffusion.pipelines import digest_of_files, files_of, library, load_lora, open_pipeline

PLACE = "{class_name}"
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class DiffusersConfig:
    """Options of `create_generator("diffusers", …)`.

    Args:
        path: folder of a pipeline, as `save_pretrained` writes it. Nothing is ever downloaded.
        prompts: a prompt for each class, or a template with `{class_name}`; default "a photo of a {class_name}".
            Pipelines without prompts ignore the template.
        class_names: a name for each class, which a template needs; default ().
        negative_prompt: prompt of what must not be seen; default "".
        image_size: height and width of the images; None (default) for those that the pipeline was trained on.
        steps: steps from noise to an image, at least 1; default 25.
        guidance: default strength of guidance, at least 0; default 7.5. 1 and less is plain conditional drawing.
        strength: default strength of `vary`, above 0 and at most 1; default 0.5.
        lora: safetensors file of LoRA weights; None (default) for none.
        lora_scale: factor of the LoRA weights; default 1. 0 is the pipeline without them.
        dtype: "float32" (default), "bfloat16" or "float16"; the last one is for GPUs.
    """

    path: str = ""
    prompts: str | tuple[str, ...] = f"a photo of a {PLACE}"
    class_names: tuple[str, ...] = ()
    negative_prompt: str = ""
    image_size: int | None = None
    steps: int = option(25, at_least=1)
    guidance: float = option(7.5, at_least=0)
    strength: float = option(0.5, above=0, at_most=1)
    lora: str | None = None
    lora_scale: float = option(1.0)
    dtype: str = option("float32", one_of=tuple(DTYPES))

    def __post_init__(self) -> None:
        check_options(self)
        if self.image_size is not None and self.image_size < 1:
            raise ArgumentError(f"image_size must be at least 1, or None, got {self.image_size}")
        _require_texts("class_names", self.class_names)
        if not isinstance(self.prompts, str):
            _require_texts("prompts", self.prompts)
            if self.class_names and len(self.class_names) != len(self.prompts):
                raise ArgumentError(
                    f"prompts must have one prompt for each of the {len(self.class_names)} class_names, "
                    f"got {len(self.prompts)}"
                )
        elif PLACE not in self.prompts:
            raise ArgumentError(
                f"prompts must be a list of one prompt a class, or a template with {PLACE}, got {shown(self.prompts)}"
            )

    @property
    def prompts_of_classes(self) -> tuple[str, ...]:
        """A prompt for each class; () if there are no class names for the template."""
        if isinstance(self.prompts, str):
            return tuple(self.prompts.replace(PLACE, name) for name in self.class_names)
        return self.prompts


class Diffusers(Generator):
    """A pretrained pipeline of diffusers from a local folder. It is never fitted.

    A text-to-image pipeline draws a class from its prompt, and varies real images by its image-to-image sibling. A
    pipeline of a U-Net and a scheduler (DDPM, DDIM) draws without prompts; it draws classes if its U-Net has them.
    `capabilities` of the object are those of its pipeline.

    A checkpoint holds the options and a digest of the pipeline's files, and no weights.

    Args:
        config: options; `path` is needed.
    """

    name = "diffusers"
    api_version = 1
    capabilities = frozenset({"conditional", "guide", "vary"})
    tile = 4
    Config = DiffusersConfig
    config: DiffusersConfig

    def __init__(self, config: DiffusersConfig | None = None) -> None:
        super().__init__(config)
        options = self.config
        self.pipeline = open_pipeline(options.path, DTYPES[options.dtype])
        if options.lora is not None:
            load_lora(self.pipeline, options.lora, options.lora_scale)
        self.painter = _painter(self.pipeline, options)
        # The class declares all that a pipeline may do, and the object what its own pipeline does.
        self.capabilities = self.painter.capabilities  # type: ignore[misc]
        self.describe(self.painter.image_shape, self.painter.num_classes, options.class_names or None)

    def state(self) -> Mapping[str, Tensor]:
        return {"sha256": self.files_sha256}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        if "sha256" not in state or not torch.equal(state["sha256"].cpu(), self.files_sha256):
            raise CheckpointError(
                f"the files in {self.config.path}, or the LoRA weights, are not those that this generator was saved "
                "with; its samples would be others"
            )

    @cached_property
    def files_sha256(self) -> Tensor:
        """SHA-256 of the pipeline's files and of the LoRA weights, uint8 (32,)."""
        lora = {} if self.config.lora is None else {"lora": Path(self.config.lora)}
        return digest_of_files({**files_of(self.config.path), **lora})

    def to(self, device: torch.device | str) -> Diffusers:
        """Move the pipeline to another device.

        Args:
            device: a device, its name, or "auto".

        Returns:
            The generator itself.
        """
        super().to(device)
        self.pipeline.to(self.device)
        return self

    def generate(self, noise: Noise, labels: Tensor | None, guidance: float | None) -> Tensor:
        return self.painter.draw(noise, labels, self.config.guidance if guidance is None else guidance)

    def vary(
        self,
        images: Tensor,
        strength: float | None = None,
        labels: Labels = None,
        *,
        sigma: float | None = None,
        guidance: float | None = None,
        seed: int = 0,
    ) -> Samples:
        """Add noise to images and remove it again, under the prompts of their classes (SDEdit).

        Meng et al., "SDEdit: guided image synthesis and editing with stochastic differential equations", ICLR 2022.

        Args:
            images: uint8 (n, C, H, W).
            strength: share of the steps that are repeated, in (0, 1]; None (default) for that of the options. Near 0,
                an image is as the pipeline's autoencoder reconstructs it. At 1, nothing of it is left.
            labels: one class, or a class for each image; None (default) for no prompt.
            sigma: not used; give `strength`.
            guidance: strength of guidance; None (default) for that of the options.
            seed: 64-bit seed; default 0.
        """
        if "vary" not in self.capabilities:
            self._refuse("vary")
        if sigma is not None:
            raise ArgumentError("generator 'diffusers' takes strength, in (0, 1], and no sigma")
        share = self.config.strength if strength is None else check_number("strength", strength)
        if not 0 < share <= 1:
            raise ArgumentError(f"strength must be above 0 and at most 1, got {share}")
        weight = self.config.guidance if guidance is None else check_number("guidance", guidance)

        def vary(noise: Noise, classes: Tensor | None, sources: Tensor) -> Tensor:
            return self.painter.vary(noise, classes, sources, share, weight)

        varied = self.map_tiles(vary, images, labels=labels, seed=seed)
        classes = None if labels is None else check_labels(self.name, labels, len(images), 0, self.num_classes)
        return Samples(varied, classes)


def _painter(pipeline: Any, options: DiffusersConfig) -> Painter:
    """Choose how a pipeline draws. Raises `ArgumentError` for a pipeline of another kind."""
    kind = type(pipeline).__name__
    if isinstance(getattr(pipeline, "unet", None), library("diffusers").UNet2DModel) and not hasattr(pipeline, "vae"):
        if not isinstance(options.prompts, str) or options.negative_prompt or options.lora is not None:
            raise ArgumentError(f"path holds a {kind}: leave prompts, negative_prompt and lora out, it takes none")
        return Unprompted(pipeline, options.image_size, options.steps)
    drawing = sibling(pipeline, "AutoPipelineForText2Image")
    if drawing is None or not hasattr(drawing, "vae"):
        raise ArgumentError(
            f"path holds a {kind}; expected a text-to-image pipeline with an autoencoder, or a U-Net on images as "
            "DDPMPipeline has it"
        )
    prompts = options.prompts_of_classes
    if not prompts:
        raise ArgumentError(
            f"path holds a {kind}, which draws from prompts: give prompts, one a class, or class_names for the "
            f"template {options.prompts!r}"
        )
    return Prompted(drawing, prompts, options.negative_prompt, options.image_size, options.steps)


def _require_texts(name: str, values: object) -> None:
    if not isinstance(values, tuple) or not all(isinstance(value, str) for value in values):
        raise ArgumentTypeError(f"{name} must be a list of texts, got {shown(values)}")
