"""`torch.ops.augsynth.linear_pass` and its adjoint: a pass that is linear in the image, as an operation of torch.

Everything in a pass except noise, lookup tables and clamps is linear in the image, plus a constant that does not depend
on it. So the gradient of the operation is its adjoint. The gradient of the adjoint is the operation without its
constants, so double backward needs no third kernel.

Parameters get no gradients. Users call `linear_pass`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from augsynth import _native
from augsynth.errors import NativeError

_PARAMETERS = (
    "Tensor inverse, Tensor edge, Tensor? fill, Tensor? matrix, Tensor? of_mean, Tensor? offset, Tensor? boxes, "
    "Tensor? values, Tensor? gain, Tensor? bias, int interpolation, int border, SymInt height, SymInt width"
)


class Parameters(NamedTuple):
    """Parameters of an operation beside its images, in order. Every tensor has one entry for each sample."""

    inverse: Tensor
    edge: Tensor
    fill: Tensor | None
    matrix: Tensor | None
    of_mean: Tensor | None
    offset: Tensor | None
    boxes: Tensor | None
    values: Tensor | None
    gain: Tensor | None
    bias: Tensor | None
    interpolation: int
    border: int
    height: int
    width: int

    def without_constants(self) -> Parameters:
        """Return the linear part, without values that come from outside the image."""
        return self._replace(fill=None, offset=None, values=None, bias=None)


_TENSORS = len(Parameters._fields) - 4


def _empty(images: Tensor, height: int, width: int) -> Tensor:
    """Return an uninitialised batch for the results of images, with their memory format."""
    last = images.is_contiguous(memory_format=torch.channels_last) and not images.is_contiguous()
    layout = torch.channels_last if last else torch.contiguous_format
    shape = (images.shape[0], images.shape[1], height, width)
    return torch.empty(shape, dtype=images.dtype, device=images.device, memory_format=layout)


def _fake(images: Tensor, *given: Any) -> Tensor:
    parameters = Parameters(*given)
    return _empty(images, parameters.height, parameters.width)


def _run_on_cpu(images: Tensor, given: Sequence[Any], adjoint: bool) -> Tensor:
    parameters = Parameters(*given)
    output = _output_of(images, parameters, adjoint)
    arrays = {name: _plain(value, numpy=True) for name, value in parameters._asdict().items()}
    _native.linear_pass(_plain(images, numpy=True), _plain(output, numpy=True), arrays, adjoint=adjoint)
    return output


def _run_on_cuda(images: Tensor, given: Sequence[Any], adjoint: bool) -> Tensor:
    strict = torch.are_deterministic_algorithms_enabled() and not torch.is_deterministic_algorithms_warn_only_enabled()
    if adjoint and strict:
        raise NativeError(
            "the gradient of a linear pass has no deterministic implementation on CUDA, as that of torch's grid_sample "
            "has none: differentiate on the CPU, or allow it with torch.use_deterministic_algorithms(False)"
        )
    parameters = Parameters(*given)
    output = _output_of(images, parameters, adjoint)
    means = None if parameters.of_mean is None else images.new_empty(images.shape[:2])
    tensors = {name: _plain(value) for name, value in parameters._asdict().items()}
    stream = torch.cuda.current_stream(images.device).cuda_stream
    _native.cuda_linear_pass(
        _plain(images), output, tensors, means, adjoint=adjoint, device=images.get_device(), stream=stream
    )
    return output


def _output_of(images: Tensor, parameters: Parameters, adjoint: bool) -> Tensor:
    output = _empty(images, parameters.height, parameters.width)
    return output.zero_() if adjoint else output  # an adjoint adds


def _plain(value: Any, *, numpy: bool = False) -> Any:
    """Return a tensor's values as an executor reads them; other values unchanged."""
    if not isinstance(value, Tensor):
        return value
    values = value.detach().resolve_neg()
    return values.numpy() if numpy else values


def _register(name: str, images: str, adjoint: bool) -> Any:
    def run(images: Tensor, *given: Any) -> Tensor:
        return _run_on_cpu(images, given, adjoint)

    operation = torch.library.custom_op(
        f"augsynth::{name}",
        run,
        mutates_args=(),
        device_types="cpu",
        schema=f"(Tensor {images}, {_PARAMETERS}) -> Tensor",
    )

    @operation.register_kernel("cuda")
    def run_on_cuda(images: Tensor, *given: Any) -> Tensor:
        return _run_on_cuda(images, given, adjoint)

    operation.register_fake(_fake)
    return operation


_forward = _register("linear_pass", "images", adjoint=False)
_adjoint = _register("linear_pass_adjoint", "gradient", adjoint=True)


def _remember(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    images, *given = inputs
    ctx.save_for_backward(*given[:_TENSORS])
    ctx.choices = given[_TENSORS : _TENSORS + 2]
    ctx.size = images.shape[2:]


def _backward_by(other: Callable[..., Tensor], linear: bool) -> Callable[[Any, Tensor], tuple[Any, ...]]:
    """Return the gradient of one operation by the other, back to images of the original size."""

    def backward(ctx: Any, gradient: Tensor) -> tuple[Any, ...]:
        parameters = Parameters(*ctx.saved_tensors, *ctx.choices, *ctx.size)
        if linear:
            parameters = parameters.without_constants()
        return (other(gradient, *parameters), *(None for _ in parameters))

    return backward


_forward.register_autograd(_backward_by(_adjoint, linear=False), setup_context=_remember)
_adjoint.register_autograd(_backward_by(_forward, linear=True), setup_context=_remember)


def _fold(operation: Callable[..., Tensor]) -> Callable[..., tuple[Tensor, int]]:
    """Return `torch.func.vmap` over an operation: the mapped axis becomes part of the batch."""

    def vmapped(info: Any, in_dims: Sequence[int | None], *given: Any) -> tuple[Tensor, int]:
        folded = [_folded(value, dim, info.batch_size) for value, dim in zip(given, in_dims, strict=True)]
        result = operation(*folded)
        return result.view(info.batch_size, result.shape[0] // info.batch_size, *result.shape[1:]), 0

    return vmapped


def _folded(value: Any, dim: int | None, count: int) -> Any:
    if not isinstance(value, Tensor):
        return value
    several = value.expand(count, *value.shape) if dim is None else value.movedim(dim, 0)
    return several.flatten(0, 1)


_forward.register_vmap(_fold(_forward))
_adjoint.register_vmap(_fold(_adjoint))

run = _forward
"""`torch.ops.augsynth.linear_pass`, from images and `Parameters`."""
