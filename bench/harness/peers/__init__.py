"""Compared libraries, one module each, which are imported only for a measurement."""

from __future__ import annotations

from importlib import import_module

from harness.peers.base import Peer, Unsupported

MODULES = {
    "albumentationsx": "harness.peers.albumentationsx",
    "torchvision": "harness.peers.torchvision_v2",
    "kornia": "harness.peers.kornia_batched",
    "dali": "harness.peers.dali_cpu",
    "opencv": "harness.peers.opencv_by_hand",
}

__all__ = ["MODULES", "Peer", "Unsupported", "load_peers"]


def load_peers(names: list[str]) -> tuple[list[Peer], dict[str, str]]:
    """Return the peers that can be imported, and the reasons why the others cannot."""
    found: list[Peer] = []
    left_out: dict[str, str] = {}
    for name in names:
        try:
            found.append(import_module(MODULES[name]).PEER())
        except (ImportError, OSError) as error:
            left_out[name] = str(error).splitlines()[0]
    return found, left_out
