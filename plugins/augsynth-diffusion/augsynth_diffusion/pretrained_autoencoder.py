"""The autoencoder `AutoencoderKL` of the library diffusers, from a local folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from augsynth.errors import ArgumentError, CheckpointError, DataError, error_text, shown
from augsynth.generators import autocast
from augsynth_diffusion.autoencoder import Codes
from augsynth_diffusion.pipelines import READ, digest_of_files, library


class PretrainedAutoencoder(Codes):
    """An `AutoencoderKL`, which is not trained. Grey images are shown to it as RGB.

    Its weights are opened when they are first used. They are no part of the state, which has a digest of the files.

    Args:
        image_shape: (C, H, W), with C 1 or 3.
        path: folder with `config.json` and safetensors weights.
        precision: "float32", "bfloat16" or "auto".
    """

    sha256: Tensor

    def __init__(self, image_shape: tuple[int, int, int], path: str, precision: str) -> None:
        if image_shape[0] not in (1, 3):
            raise ArgumentError(f"a pretrained autoencoder needs grey or RGB images, got {image_shape[0]} channels")
        config = _read_config(Path(path))
        self.factor = 2 ** (len(config["block_out_channels"]) - 1)
        rows, columns = (-(-side // self.factor) for side in image_shape[1:])
        super().__init__((config["latent_channels"], rows, columns))
        self.image_shape, self.path, self.precision = image_shape, path, precision
        self.register_buffer("sha256", self._digest())
        # A list, because its weights are no weights of this module.
        self._opened: list[Any] = []

    def compress(self, images: Tensor) -> Tensor:
        _, height, width = self.image_shape
        rows, columns = (self.factor * side for side in self.code_shape[1:])
        padded = F.pad(images.expand(-1, 3, -1, -1), (0, columns - width, 0, rows - height), mode="replicate")
        with autocast(images.device, self.precision):
            codes: Tensor = self.opened(images.device).encode(padded).latent_dist.mean
        return codes.float()

    def reconstruct(self, codes: Tensor) -> Tensor:
        channels, height, width = self.image_shape
        with autocast(codes.device, self.precision):
            images: Tensor = self.opened(codes.device).decode(codes).sample[:, :, :height, :width].float()
        return images if channels == 3 else images.mean(1, keepdim=True)

    def opened(self, device: torch.device) -> Any:
        """Return the network on a device. Raises `CheckpointError` if its files are not those of the checkpoint.

        Args:
            device: the device.
        """
        if not self._opened:
            if not torch.equal(self._digest(), self.sha256.cpu()):
                raise CheckpointError(
                    f"the autoencoder in {self.path} is not the one that this generator was fitted with"
                )
            kind = library("diffusers").AutoencoderKL
            try:
                network = kind.from_pretrained(self.path, local_files_only=True, use_safetensors=True)
            except Exception as cause:
                raise DataError(f"diffusers cannot open the autoencoder in {self.path}: {error_text(cause)}") from cause
            self._opened.append(network.eval().requires_grad_(False))
        return self._opened[0].to(device)

    def _digest(self) -> Tensor:
        files = {file.name: file for file in Path(self.path).iterdir() if file.suffix in READ and file.is_file()}
        return digest_of_files(files)


def _read_config(folder: Path) -> Any:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as cause:
        raise ArgumentError(
            f"autoencoder must be the folder of an AutoencoderKL with its config.json, got {shown(str(folder))}; "
            "nothing is downloaded"
        ) from cause
    if not isinstance(config, dict) or config.get("_class_name") != "AutoencoderKL":
        raise ArgumentError(f"autoencoder must be the folder of an AutoencoderKL, and {folder} holds something else")
    return config
