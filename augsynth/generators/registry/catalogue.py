"""The generators of a process: installed, registered, loaded and failed ones."""

from __future__ import annotations

import importlib
import traceback
from dataclasses import dataclass

from augsynth.core.checks import suggestion
from augsynth.errors import ArgumentError, ArgumentTypeError, PluginError, error_text, shown
from augsynth.generators.contract.generator import Generator
from augsynth.generators.registry.classes import check_class
from augsynth.generators.registry.discovery import LOCAL, SWITCH, Claim, installed_claims, unique


@dataclass(frozen=True)
class GeneratorInfo:
    """Facts about a generator that are known without importing it.

    Args:
        name: name of the generator.
        distribution: name of the distribution that has it.
        version: version of the distribution.
        value: "module:class".
        enabled: False if `AUGSYNTH_PLUGINS` switches it off.
        rivals: other distributions that claim the name for another class.
        capabilities: capabilities of the class; None until it is loaded.
        error: reason of a failure; empty until it is loaded.
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
        """Name with its distribution: `distribution:name`."""
        return f"{self.distribution}:{self.name}"

    @property
    def status(self) -> str:
        """Status in words: "ready", "not loaded yet", "switched off", "ambiguous: …" or "failed: …"."""
        if not self.enabled:
            return "switched off"
        if self.error:
            return f"failed: {self.error}"
        if self.rivals:
            return f"ambiguous: also in {', '.join(self.rivals)}"
        return "not loaded yet" if self.capabilities is None else "ready"


@dataclass(frozen=True)
class CheckResult:
    """Result of loading a plugin.

    Args:
        info: facts about the generator.
        traceback: traceback of the failure; empty after a success.
    """

    info: GeneratorInfo
    traceback: str


class Registry:
    """Generators of this process: installed, registered, loaded and failed ones."""

    def __init__(self) -> None:
        self._installed: list[Claim] | None = None
        self._local: dict[str, Claim] = {}
        self._loaded: dict[Claim, type[Generator]] = {}
        self._failed: dict[Claim, BaseException] = {}

    def infos(self) -> list[GeneratorInfo]:
        """Return all generators, sorted by name and distribution."""
        return [self._info(claim) for claim in self._claims()]

    def refresh(self) -> None:
        """Look for installed plugins again, and forget which ones failed."""
        importlib.invalidate_caches()
        self._installed = None
        self._loaded.clear()
        self._failed.clear()

    def register(self, name: str, kind: type[Generator]) -> None:
        """Add a class in this process. The same class may be added again, as by a notebook cell that runs twice.

        Args:
            name: name of the generator.
            kind: the class.
        """
        if not isinstance(kind, type):
            raise ArgumentTypeError(f"what is registered as {name!r} must be a generator class, got {shown(kind)}")
        value = f"{kind.__module__}:{kind.__qualname__}"
        present = self._local.get(name)
        if present is not None and present.value != value:
            raise ArgumentError(f"generator name {name!r} is already registered for {present.value}")
        claim = Claim(name, LOCAL, "", value, (), lambda: kind)
        self._loaded[claim] = check_class(claim, kind)
        self._local[name] = claim

    def registered(self) -> dict[str, type[Generator]]:
        """Return the classes that were added in this process, by name."""
        return {name: self._loaded[claim] for name, claim in self._local.items() if claim in self._loaded}

    def load(self, name: str, value: str | None = None) -> type[Generator]:
        """Return the class of a generator. Raises `PluginError`.

        Args:
            name: name of the generator, or `distribution:name`.
            value: "module:class", which decides if several distributions claim the name; None by default.
        """
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
        """Load every plugin that is not switched off, and return the result of each."""
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
                self._failed.pop(claim, None)  # set if its module asked for itself while it was imported
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
    return check_class(claim, claim.load())


def _reason(cause: BaseException) -> str:
    return str(cause) if isinstance(cause, PluginError) else error_text(cause)


def _failure_text(claim: Claim, cause: BaseException) -> str:
    text = f"generator {claim.name!r} of {claim.distribution} {claim.version} cannot be loaded: {_reason(cause)}"
    if isinstance(cause, ImportError):
        extras = f"[{','.join(claim.extras)}]" if claim.extras else ""
        text += f'; its requirements come with pip install "{claim.distribution}{extras}"'
    return text
