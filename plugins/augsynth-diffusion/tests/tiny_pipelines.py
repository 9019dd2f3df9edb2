"""Pretrained pipelines of a few hundred kilobytes, with random weights, in folders as diffusers writes them."""

from __future__ import annotations

import string
from pathlib import Path
from typing import Any

import torch

LENGTH = 24
"""Tokens of a prompt."""


def write_text_to_image(folder: Path) -> None:
    """Write a Stable Diffusion of 16 × 16 images whose tokens are letters.

    Args:
        folder: a new folder.
    """
    import diffusers
    import transformers

    torch.manual_seed(0)
    tokens = [*string.ascii_lowercase, *(f"{letter}</w>" for letter in string.ascii_lowercase)]
    vocabulary = {token: k for k, token in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}
    start, end = len(tokens), len(tokens) + 1
    text = transformers.CLIPTextConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        max_position_embeddings=LENGTH,
        bos_token_id=start,
        eos_token_id=end,
        pad_token_id=end,
    )
    unet = diffusers.UNet2DConditionModel(
        sample_size=8,
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        cross_attention_dim=16,
        attention_head_dim=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
    )
    diffusers.StableDiffusionPipeline(
        vae=make_autoencoder(),
        text_encoder=transformers.CLIPTextModel(text),
        tokenizer=transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=LENGTH),
        unet=unet,
        scheduler=diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)


def write_flux(folder: Path, text_to_image: Path) -> None:
    """Write a Flux pipeline, whose transformer works on packed latents and which guides by an input.

    Args:
        folder: a new folder.
        text_to_image: folder that `write_text_to_image` wrote.
    """
    import diffusers
    import transformers

    other = diffusers.DiffusionPipeline.from_pretrained(text_to_image)
    torch.manual_seed(0)
    transformer = diffusers.FluxTransformer2DModel(
        patch_size=1,
        in_channels=16,
        num_layers=1,
        num_single_layers=1,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=16,
        pooled_projection_dim=16,
        axes_dims_rope=[4, 4, 8],
    )
    text = transformers.T5Config(
        vocab_size=len(other.tokenizer), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2
    )
    autoencoder = make_autoencoder()
    autoencoder.register_to_config(shift_factor=0.0)
    diffusers.FluxPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(),
        vae=autoencoder,
        text_encoder=other.text_encoder,
        tokenizer=other.tokenizer,
        text_encoder_2=transformers.T5EncoderModel(text),
        tokenizer_2=other.tokenizer,
        transformer=transformer,
    ).save_pretrained(folder)


def make_autoencoder() -> Any:
    """Make an `AutoencoderKL` that halves the sides of images."""
    import diffusers

    autoencoder = diffusers.AutoencoderKL(
        block_out_channels=(8, 8),
        norm_num_groups=4,
        latent_channels=4,
        scaling_factor=1.0,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        sample_size=16,
    )
    # Trained autoencoders are almost certain of their codes, and random ones are not.
    with torch.no_grad():
        autoencoder.quant_conv.weight[4:] = 0
        autoencoder.quant_conv.bias[4:] = -20
    return autoencoder


def write_ddpm(folder: Path, classes: int | None) -> None:
    """Write a DDPM of grey 8 × 8 images.

    Args:
        folder: a new folder.
        classes: number of classes, or None.
    """
    import diffusers

    torch.manual_seed(0)
    unet = diffusers.UNet2DModel(
        sample_size=8,
        in_channels=1,
        out_channels=1,
        block_out_channels=(8, 8),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "UpBlock2D"),
        num_class_embeds=classes,
    )
    diffusers.DDPMPipeline(unet, diffusers.DDPMScheduler()).save_pretrained(folder)


def write_lora(pipeline: Any, file: Path) -> None:
    """Write LoRA weights for the attention of a pipeline's U-Net.

    Args:
        pipeline: a pipeline, which does not change.
        file: the safetensors file.
    """
    import copy

    import peft

    unet = copy.deepcopy(pipeline.unet)
    torch.manual_seed(1)
    unet.add_adapter(peft.LoraConfig(r=2, target_modules=["to_k", "to_v"], init_lora_weights=False))
    layers = peft.get_peft_model_state_dict(unet)
    type(pipeline).save_lora_weights(file.parent, unet_lora_layers=layers, weight_name=file.name)
