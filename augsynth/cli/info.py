"""`augsynth info`: the installed versions, the build, and the hardware that it can use."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from augsynth.cli.options import console


def info(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts and bug reports.")] = False,
) -> None:
    """Show versions, the native build, the instruction sets in use, CUDA and the plugins.

    Example: `augsynth info`
    """
    found = _collect()
    if as_json:
        console.print_json(json.dumps(found))
        return
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    for key, value in found.items():
        if key != "plugins":
            table.add_row(Text(key, "dim"), value)
    for plugin in found["plugins"] or [{"name": "none installed", "distribution": "", "version": "", "status": ""}]:
        text = f"{plugin['name']}  {plugin['distribution']} {plugin['version']}  {plugin['status']}"
        table.add_row(Text("plugin", "dim"), text.strip())
    console.print(table)


def _collect() -> dict[str, Any]:
    import torch

    from augsynth import _native
    from augsynth.evaluate.provenance import environment
    from augsynth.generators.registry import describe

    build = _native.build_info()
    return {
        **{key: value for key, value in environment().items() if key != "native kernels"},
        "compiler": str(build["compiler"]),
        "flags": str(build["flags"]),
        "instruction sets": f"{', '.join(_native.isas())} (in use: {_native.isa()})",
        "threads": str(_native.num_threads()),
        "CUDA kernels": _kernels(),
        "CUDA": _cuda(torch),
        "plugins": describe(),
    }


def _kernels() -> str:
    """Return the architectures that the kernels were built for, and the devices that can run them."""
    from augsynth import _native
    from augsynth.errors import NativeError

    try:
        built = _native.cuda_build_info()
    except NativeError:
        return "not built"
    text = f"{built['compiler']} for {', '.join(built['architectures'].split())} and later"
    try:
        return (
            text + ": " + ", ".join(f"{device['name']} ({device['capability']})" for device in _native.cuda_devices())
        )
    except NativeError as error:
        return f"{text}; {error}"


def _cuda(torch: Any) -> str:
    if torch.cuda.is_available():
        names = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
        return f"{torch.version.cuda}: {', '.join(names)}"
    return "no device" if torch.version.cuda else "this torch is a CPU build"
