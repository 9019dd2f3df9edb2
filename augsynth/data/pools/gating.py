"""Base of pools that can be gated: selections and quarantines, recorded in the manifest."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth.core.positions import Positional, as_positions
from augsynth.data.pools import gated, selecting
from augsynth.data.pools.manifest import Manifest
from augsynth.data.pools.targets import Field
from augsynth.data.pools.view import PoolView
from augsynth.errors import ArgumentError, shown
from augsynth.gates.selection import Features
from augsynth.generators import Samples


class GatedPool(Positional[Any]):
    """Pool in the folder `path` with the manifest `manifest`, whose items can be selected and put into quarantine."""

    path: Path
    manifest: Manifest

    @property
    @abstractmethod
    def labels(self) -> npt.NDArray[np.int64] | None:
        """Label of every item, int64 (n,), or None."""

    @property
    @abstractmethod
    def target_fields(self) -> tuple[Field, ...]:
        """Fields of the targets; none if the pool has images alone."""

    @abstractmethod
    def largest_label(self) -> int:
        """Return the largest label of images and of objects; −1 if there is none."""

    @abstractmethod
    def take(self, indices: Sequence[int] | npt.NDArray[np.integer[Any]]) -> Samples:
        """Return some of the items in memory."""

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Shape (C, H, W) of the images."""
        return self.manifest.image_shape

    @property
    def class_names(self) -> tuple[str, ...] | None:
        """Names of the classes, from the data set of the generator; None if they are not known."""
        return self.manifest.class_names

    def select(
        self,
        recipe: str,
        real: Any = None,
        *,
        keep: float = 0.75,
        features: Features | None = None,
        seed: int = 0,
    ) -> PoolView:
        """Choose items by a recipe, record the choice in the manifest, and return a view of the chosen items.

        The same call on the same pool and real images finds the recorded choice. `docs/audit.md` says when which
        recipe is worth trying. Items in quarantine are left out.

        Args:
            recipe: "confidence" drops the items that a classifier of the real images is least sure of; "covariance"
                matches the scatter of each real class; "diverse" takes items that are far apart; "targeted" takes
                items like real ones that are not learned early; "random" is the control.
            real: map-style dataset of real `(image, label)`, of the pool's image shape; "random", and "diverse" with
                `features`, need none.
            keep: share to keep, in (0, 1], of each class; of the whole pool for "targeted". Default 0.75.
            features: function of images, uint8 (n, C, H, W), that returns (n, D), such as
                `augsynth.gates.TimmFeatures`; by default those of a classifier that is trained on one half of the real
                images, and compares the pool with the other half.
            seed: 64-bit seed; default 0.
        """
        items = self._active_items()
        name, chosen = selecting.select(
            self.path, self.manifest, self, items, recipe, real=real, keep=keep, features=features, seed=seed
        )
        self.manifest = Manifest.read(self.path)
        return PoolView(self, chosen, name)

    @property
    def selections(self) -> dict[str, dict[str, Any]]:
        """Recorded selections by name: recipe, parameters and number of items."""
        return {entry["name"]: entry for entry in gated.entries(self.manifest, "selection")}

    def selection(self, name: str) -> PoolView:
        """Return a recorded selection, without items that are in quarantine now.

        Args:
            name: name of the selection.
        """
        if name not in self.selections:
            raise ArgumentError(f"the pool has no selection {shown(name)}; it has {shown(list(self.selections))}")
        chosen = gated.read_items(self.path, self.selections[name])
        return PoolView(self, np.intersect1d(chosen, self._active_items()), name)

    def quarantine(self, items: Sequence[int] | npt.NDArray[np.integer[Any]], reason: str) -> None:
        """Put items into quarantine: mixes, selections and exports leave them out, until they are released.

        Nothing is removed or renumbered: `pool[k]` stays sample k, and `active` is the view without the items. Mixes
        that exist already go on as they are.

        Args:
            items: numbers of the items; negative ones count from the end. They are added to those with this reason.
            reason: text, by which they are released again.
        """
        numbers = as_positions(items, len(self), f"the pool {self.path}")
        self.manifest = gated.record_quarantine(self.path, reason, numbers)

    def release(self, reason: str) -> None:
        """Release the items that are in quarantine for a reason; those that are there for others too stay.

        Args:
            reason: text that `quarantine` was given.
        """
        name = gated.quarantine_name(reason)
        if reason not in self.quarantined:
            raise ArgumentError(
                f"nothing is in quarantine for {shown(reason)}; the reasons are {shown(list(self.quarantined))}"
            )
        self.manifest = gated.remove(self.path, name)

    @property
    def quarantined(self) -> dict[str, npt.NDArray[np.int64]]:
        """Numbers of the items in quarantine, in rising order, by reason."""
        found = gated.entries(self.manifest, "quarantine")
        return {entry["reason"]: gated.read_items(self.path, entry) for entry in found}

    @property
    def active(self) -> GatedPool | PoolView:
        """View of the items that are not in quarantine; the pool itself if none is."""
        items = selecting.active_items(self.path, self.manifest)
        return self if items is None else PoolView(self, items, "active")

    def _active_items(self) -> npt.NDArray[np.int64]:
        items = selecting.active_items(self.path, self.manifest)
        return np.arange(len(self)) if items is None else items

    def content_digest(self) -> str:
        """Return the SHA-256 of the checksums of the shards, which identifies the items with their targets."""
        digest = hashlib.sha256()
        for shard in self.manifest.shards:
            targets = "".join(f" {name} {sha256}" for name, sha256 in sorted((shard.targets_sha256 or {}).items()))
            digest.update(f"{shard.count} {shard.images_sha256} {shard.labels_sha256}{targets}\n".encode())
        return digest.hexdigest()
