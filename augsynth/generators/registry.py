"""Finding generators by name. Listing imports nothing; a plugin that fails is remembered and harms no other."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from augsynth.core.checks import check_path, suggestion
from augsynth.errors import ArgumentError, ArgumentTypeError, PluginError, error_text, shown
from augsynth.generators import checkpoint
from augsynth.generators.base import API_VERSION, Generator
from augsynth.generators.discovery import LOCAL, SWITCH, Claim, installed_claims, unique
from augsynth.generators.network import NetworkGenerator

GeneratorClass = TypeVar("GeneratorClass", bound=type[Generator])


@dataclass(frozen=True)
class GeneratorInfo:
    """What is known of an installed generator without importing it.

    `rivals` are the distributions that claim the same name for another class; `capabilities` is None and `error`
    empty until it was loaded.
    """

    name: str
    distribution: str
    version: str
    value: str
    enabled: bool
    rivals: tuple[str, ...]
    capabilities: frozenset[str] | None
    error: str

    @property
    def full_name(self) -> str:
        """`distribution:name`."""
        return f"{self.distribution}:{self.name}"

    @property
    def status(self) -> str:
        """In a word or two: "ready", "not loaded yet", "switched off", "ambiguous: …" or "failed: …"."""
        if not self.enabled:
            return "switched off"
        if self.error:
            return f"failed: {self.error}"
        if self.rivals:
            return f"ambiguous: also in {', '.join(self.rivals)}"
        return "not loaded yet" if self.capabilities is None else "ready"


@dataclass(frozen=True)
class CheckResult:
    """The outcome of loading one plugin; `traceback` is empty if it went well."""

    info: GeneratorInfo
    traceback: str


class Registry:
    """The generators of this process: what is installed, what was registered, what failed."""

    def __init__(self) -> None:
        self._installed: list[Claim] | None = None
        self._local: dict[str, Claim] = {}
        self._loaded: dict[Claim, type[Generator]] = {}
        self._failed: dict[Claim, BaseException] = {}

    def infos(self) -> list[GeneratorInfo]:
        """All generators, sorted by name and distribution."""
        return [self._info(claim) for claim in self._claims()]

    def refresh(self) -> None:
        """Look for installed plugins again, and give those that failed another chance."""
        importlib.invalidate_caches()
        self._installed = None
        self._loaded.clear()
        self._failed.clear()

    def register(self, name: str, kind: type[Generator]) -> None:
        """Add a class under a name for this process; the same class may come again (a notebook cell run twice)."""
        if not isinstance(kind, type):
            raise ArgumentTypeError(f"what is registered as {name!r} must be a generator class, got {shown(kind)}")
        value = f"{kind.__module__}:{kind.__qualname__}"
        present = self._local.get(name)
        if present is not None and present.value != value:
            raise ArgumentError(f"generator name {name!r} is already registered for {present.value}")
        claim = Claim(name, LOCAL, "", value, (), lambda: kind)
        self._loaded[claim] = _check_class(claim, kind)
        self._local[name] = claim

    def load(self, name: str, value: str | None = None) -> type[Generator]:
        """Return the class of a generator; among rivals, the one whose "module:class" is `value`."""
        if not isinstance(name, str):
            raise ArgumentTypeError(f"the name of a generator must be a text, got {shown(name)}")
        found = [claim for claim in self._claims() if claim.answers_to(name)]
        if not found:
            names = list(dict.fromkeys(claim.name for claim in self._claims()))
            near = suggestion(name, [*names, *(claim.full_name for claim in self._claims())])
            raise PluginError(f"there is no generator {name!r}{near}; installed: {', '.join(names) or 'none'}")
        enabled = [claim for claim in found if claim.enabled()]
        if not enabled:
            raise PluginError(f"generator {name!r} is switched off by the environment variable {SWITCH}")
        sound = [claim for claim in enabled if not claim.fault] or enabled
        chosen = [claim for claim in sound if claim.value == value] or sound
        if len(chosen) > 1:
            claims = " and ".join(f"{claim.distribution} ({claim.value})" for claim in chosen)
            raise PluginError(
                f"generator {name!r} is claimed by {claims}; write {chosen[0].full_name!r}, or uninstall one"
            )
        return self._load_claim(chosen[0])

    def check(self) -> list[CheckResult]:
        """Load every plugin that is not switched off, each apart from the others."""
        results = []
        for claim in self._claims():
            text = ""
            if claim.enabled():
                try:
                    self._load_claim(claim)
                except PluginError as error:
                    text = "".join(traceback.format_exception(error))
            results.append(CheckResult(self._info(claim), text))
        return results

    def _claims(self) -> list[Claim]:
        if self._installed is None:
            self._installed = installed_claims()
        return unique([*self._installed, *self._local.values()])

    def _info(self, claim: Claim) -> GeneratorInfo:
        others = [other for other in self._claims() if other.name == claim.name and other.value != claim.value]
        rivals = [other for other in others if other.enabled() and not other.fault]
        kind, failure = self._loaded.get(claim), self._failed.get(claim)
        return GeneratorInfo(
            name=claim.name,
            distribution=claim.distribution,
            version=claim.version,
            value=claim.value,
            enabled=claim.enabled(),
            rivals=tuple(rival.distribution for rival in rivals),
            capabilities=None if kind is None else frozenset(kind.capabilities),
            error=claim.fault or ("" if failure is None else _reason(failure)),
        )

    def _load_claim(self, claim: Claim) -> type[Generator]:
        if claim not in self._loaded and claim not in self._failed:
            try:
                self._loaded[claim] = _import(claim)
                self._failed.pop(claim, None)  # noted if its module asked for itself while it was imported
            except KeyboardInterrupt:
                raise
            except BaseException as failure:  # a plugin may call sys.exit, or raise anything
                self._failed[claim] = failure
        if claim not in self._loaded:
            cause = self._failed[claim]
            raise PluginError(_failure_text(claim, cause)) from cause
        return self._loaded[claim]


def _import(claim: Claim) -> type[Generator]:
    if claim.fault:
        raise PluginError(claim.fault)
    return _check_class(claim, claim.load())


def _check_class(claim: Claim, kind: Any) -> type[Generator]:
    """Refuse what is not a generator class of this API version."""
    if not (isinstance(kind, type) and issubclass(kind, Generator)):
        raise PluginError(f"{claim.value} is {shown(kind)}; expected a subclass of augsynth.generators.Generator")
    if inspect.isabstract(kind):
        missing = ", ".join(sorted(kind.__abstractmethods__))
        raise PluginError(f"{claim.value} does not define {missing}")
    wanted = getattr(kind, "api_version", None)
    if type(wanted) is not int or wanted != API_VERSION:
        stated = "states no api_version" if wanted is None else f"was made for API version {shown(wanted)}"
        raise PluginError(f"{claim.value} {stated}; this augsynth offers API version {API_VERSION}")
    name = getattr(kind, "name", None)
    if not isinstance(name, str) or name != claim.name:
        raise PluginError(f"{claim.value} calls itself {shown(name)}, but is listed as {claim.name!r}")
    if hasattr(kind, "training_step") and not issubclass(kind, NetworkGenerator):
        raise PluginError(
            f"{claim.value} defines training_step, which is for networks: derive it from "
            "augsynth.generators.NetworkGenerator, not from Generator"
        )
    _check_attributes(claim, kind)
    return kind


def _check_attributes(claim: Claim, kind: type[Generator]) -> None:
    config = getattr(kind, "Config", None)
    if not (isinstance(config, type) and dataclasses.is_dataclass(config)):
        raise PluginError(f"the Config of {claim.value} is {shown(config)}; expected a frozen dataclass")
    bare = [field.name for field in dataclasses.fields(config) if field.init and _has_no_default(field)]
    if bare:
        raise PluginError(f"the Config of {claim.value} gives no default for {', '.join(bare)}")
    declared = kind.capabilities
    if not isinstance(declared, (frozenset, set)) or not all(isinstance(one, str) for one in declared):
        raise PluginError(f"the capabilities of {claim.value} are {shown(declared)}; expected a frozenset of names")
    if type(kind.tile) is not int or kind.tile < 1:
        raise PluginError(f"the tile of {claim.value} is {shown(kind.tile)}; expected an integer of at least 1")


def _has_no_default(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _reason(cause: BaseException) -> str:
    return str(cause) if isinstance(cause, PluginError) else error_text(cause)


def _failure_text(claim: Claim, cause: BaseException) -> str:
    text = f"generator {claim.name!r} of {claim.distribution} {claim.version} cannot be loaded: {_reason(cause)}"
    if isinstance(cause, ImportError):
        extras = f"[{','.join(claim.extras)}]" if claim.extras else ""
        text += f'; its requirements come with pip install "{claim.distribution}{extras}"'
    return text


_REGISTRY = Registry()


def list_generators() -> list[GeneratorInfo]:
    """All generators, sorted by name; imports no plugin, and never raises because of one."""
    return _REGISTRY.infos()


def create_generator(name: str, **config: Any) -> Generator:
    """Make a generator by name; `distribution:name` chooses among rivals. Options are those of its `Config`.

    Raises `PluginError` if there is no such generator, or it cannot be loaded, and `ArgumentError` for an option
    that it does not have.
    """
    return _REGISTRY.load(name).configure(**config)


def load_generator(path: str | Path, *, device: torch.device | str = "cpu") -> Generator:
    """Read a saved generator; the plugin that it names must be installed. Raises `CheckpointError`, `PluginError`."""
    description = checkpoint.Checkpoint.open(check_path("path", path)).description
    return _REGISTRY.load(description.name, description.class_path).load(path, device=device)


def register_generator(name: str) -> Callable[[GeneratorClass], GeneratorClass]:
    """Class decorator: make a generator known to this process, without packaging it."""

    def register(kind: GeneratorClass) -> GeneratorClass:
        _REGISTRY.register(name, kind)
        return kind

    return register


def refresh() -> None:
    """Look for installed plugins again: after an installation, or once what made one fail is mended."""
    _REGISTRY.refresh()


def check() -> list[CheckResult]:
    """Load every plugin that is not switched off, each apart from the others, and return what happened."""
    return _REGISTRY.check()


def describe() -> list[dict[str, str]]:
    """One row a generator, for a table: name, distribution, version, class, status."""
    return [
        {
            "name": info.name,
            "distribution": info.distribution,
            "version": info.version,
            "class": info.value,
            "status": info.status,
        }
        for info in list_generators()
    ]
