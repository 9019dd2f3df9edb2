"""Arguments of a mix that decide its epochs, checked by themselves: before a generator is fitted, and without data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from augsynth.core.checks import check_choice, check_integer
from augsynth.data.mixing.rule.label_space import LabelMap, check_label_map
from augsynth.data.mixing.rule.pairing import PAIRINGS, PairingName
from augsynth.data.mixing.rule.quota import Mode
from augsynth.data.mixing.rule.ratio import FixedRatio, Ratios
from augsynth.errors import ArgumentError, ArgumentTypeError, shown

Balance = Literal["classes"]


@dataclass(frozen=True)
class MixArguments:
    """Arguments of `SyntheticMixDataset` that decide its epochs; see there.

    * `names`: names of the synthetic sources; None for a single one without a name.
    * `ratios`: fractions of the sources; None with `fill_to`.
    * `label_maps`: map of labels of the sources that have one, by name; "" is the single source.
    """

    names: tuple[str, ...] | None
    ratios: Ratios | None
    mode: Mode
    pairing: PairingName
    seed: int
    balance: Balance | None
    fill_to: int | None
    max_repeats: int | None
    label_maps: Mapping[str, LabelMap]

    @classmethod
    def of(
        cls,
        synthetic: Any,
        *,
        ratio: Any,
        mode: Any,
        pairing: Any,
        seed: Any,
        balance: Any,
        fill_to: Any,
        max_repeats: Any,
        label_map: Any,
    ) -> MixArguments:
        """Return the arguments; raise `ArgumentError` or `ArgumentTypeError` for values that fit no data set."""
        check_choice("mode", mode, get_args(Mode))
        check_choice("pairing", pairing, tuple(PAIRINGS))
        if balance is not None:
            check_choice("balance", balance, get_args(Balance))
        names = tuple(synthetic) if is_mapping_of_sources(synthetic) else None
        fill = None if fill_to is None else check_integer("fill_to", fill_to, 1)
        _check_fill(fill, ratio, mode, pairing, balance)
        ratios = None if ratio is None else Ratios(ratio, names, below_one=mode == "extend")
        if balance and pairing == "free":
            raise ArgumentError("balance='classes' needs synthetic items with classes: use pairing='class' or 'index'")
        if balance and ratios is not None:
            require_no_classes(ratios.at(0))
        return cls(
            names,
            ratios,
            mode,
            pairing,
            check_integer("seed", seed, -(2**63), expected="a signed 64-bit integer"),
            balance,
            fill,
            None if max_repeats is None else check_integer("max_repeats", max_repeats, 1),
            _label_maps(label_map, names),
        )

    def used(self) -> tuple[str, ...]:
        """Return the names of the sources that some epoch may need; "" is the single source."""
        names = self.names or ("",)
        return names if self.ratios is None else tuple(n for n, use in zip(names, self.ratios.uses, strict=True) if use)


def is_mapping_of_sources(synthetic: Any) -> bool:
    """Return whether the synthetic side is `{name: source}`; a dict with other keys is a data set."""
    return isinstance(synthetic, Mapping) and bool(synthetic) and all(isinstance(name, str) for name in synthetic)


def require_no_classes(ratios: tuple[FixedRatio, ...]) -> tuple[float, ...]:
    """Return the ratios; raise `ArgumentError` if one is given for each class, where classes are balanced."""
    numbers = tuple(ratio for ratio in ratios if not isinstance(ratio, Mapping))
    if len(numbers) < len(ratios):
        raise ArgumentError(
            "balance='classes' gives every class equally many items, and ratio has a number for each class: give one "
            "number for all classes, or no balance"
        )
    return numbers


def _check_fill(fill: int | None, ratio: Any, mode: str, pairing: str, balance: Any) -> None:
    if fill is None:
        if ratio is None:
            raise ArgumentError("give ratio, the synthetic fraction of an epoch, or fill_to, a number of items a class")
        return
    conflicts = {
        "ratio": (ratio is not None, "it decides itself how many synthetic items there are: give one of the two"),
        "mode='extend'": (mode != "replace", "it keeps every real item anyway: leave mode out"),
        "pairing='free'": (pairing == "free", "it needs items of chosen classes: use pairing='class' or 'index'"),
        "balance": (balance is not None, "it balances the classes itself, up to those with more items: leave it out"),
    }
    for what, (present, reason) in conflicts.items():
        if present:
            raise ArgumentError(f"fill_to does not go with {what}: {reason}")


def _label_maps(label_map: Any, names: tuple[str, ...] | None) -> dict[str, LabelMap]:
    if label_map is None:
        return {}
    if names is None:
        return {"": check_label_map(label_map, "label_map")}
    if not isinstance(label_map, Mapping):
        raise ArgumentTypeError(f"with several sources, label_map must be {{name: map}}, got {shown(label_map)}")
    unknown = [name for name in label_map if name not in names]
    if unknown:
        raise ArgumentError(f"label_map names {shown(unknown[0])}, and the sources are {', '.join(names)}")
    return {name: check_label_map(label_map[name], f"label_map of {name!r}") for name in names if name in label_map}
