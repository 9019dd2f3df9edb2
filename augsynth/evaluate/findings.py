"""Findings of an audit: what was found where, in words, and whether it matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from augsynth.core.typing import Ints
from augsynth.evaluate.reporting.pictures import Picture
from augsynth.gates import CopyFindings, DoubtfulLabels, Duplicates, OddImages

_KNOWS_ENOUGH = 0.8
"""Share of labels that a classifier must agree with, before its doubts count."""
_NOTHING: Ints = np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Finding:
    """One finding.

    Args:
        check: "copies", "duplicates", "leaks", "labels" or "odd images".
        where: name of the set that the items are in.
        items: positions of the items in that set, int64 (n,), in rising order; numbers of the items for a pool.
        size: number of images of the set.
        matters: True if something should be done, False for a note.
        sentence: the finding in words.
    """

    check: str
    where: str
    items: Ints
    size: int
    matters: bool
    sentence: str

    def to_dict(self) -> dict[str, Any]:
        """Return the finding, JSON-ready."""
        return {**vars(self), "items": self.items.tolist()}


@dataclass(frozen=True, eq=False)
class AuditResult:
    """Result of `audit`.

    Args:
        sizes: number of images of each set, by name: "data" or "samples", "real", "held-out", "test".
        findings: all findings, those that matter first.
        copies: result of the gate against copies; None without real images.
        duplicates: duplicates within the sets and between them.
        doubtful: doubtful labels, by the name of the set.
        odd: odd images, by the name of the set.
        notes: sentences about all that was not checked.
        name: name of the data; default "data".
        settings: arguments of the audit, JSON-ready; none by default.
        provenance: versions and machine; none by default.
        pictures: the first images of each finding; none by default.
    """

    kind: ClassVar[str] = "audit"

    sizes: Mapping[str, int]
    findings: tuple[Finding, ...]
    copies: CopyFindings | None
    duplicates: Duplicates
    doubtful: Mapping[str, DoubtfulLabels]
    odd: Mapping[str, OddImages]
    notes: tuple[str, ...] = ()
    name: str = "data"
    settings: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()

    @property
    def headline(self) -> str:
        """The result in one sentence."""
        serious = [finding for finding in self.findings if finding.matters]
        if not serious:
            return "Nothing that matters was found."
        return f"{len(serious)} findings matter: {'; '.join(finding.sentence for finding in serious)}."

    @property
    def found(self) -> bool:
        """True if a finding matters."""
        return any(finding.matters for finding in self.findings)

    def items(self, check: str, where: str | None = None) -> Ints:
        """Return the items of the findings of one check, in rising order, int64 (n,), for `SyntheticPool.quarantine`.

        Args:
            check: "copies", "duplicates", "leaks", "labels" or "odd images".
            where: name of the set; None (default) for the set that was audited.
        """
        name = next(iter(self.sizes)) if where is None else where
        found = [finding.items for finding in self.findings if (finding.check, finding.where) == (check, name)]
        return np.unique(np.concatenate(found)) if found else np.empty(0, np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Return the result, JSON-ready."""
        return {
            "kind": self.kind,
            "data": self.name,
            "headline": self.headline,
            "found": self.found,
            "sizes": dict(self.sizes),
            "findings": [finding.to_dict() for finding in self.findings],
            "notes": list(self.notes),
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
            "copies": None if self.copies is None else self.copies.to_dict(),
            "duplicates": self.duplicates.to_dict(),
            "doubtful": {name: found.to_dict() for name, found in self.doubtful.items()},
            "odd": {name: found.to_dict() for name, found in self.odd.items()},
        }


def findings_of(
    own: str,
    copies: CopyFindings | None,
    duplicates: Duplicates,
    doubtful: Mapping[str, DoubtfulLabels],
    odd: Mapping[str, OddImages],
    tolerated: float,
    skipped: Ints,
) -> tuple[Finding, ...]:
    """Return all findings in words, those that matter first.

    Args:
        own: name of the set that is audited.
        copies: result of the gate against copies, or None.
        duplicates: duplicates of all sets.
        doubtful: doubtful labels by the name of the set.
        odd: odd images by the name of the set.
        tolerated: share of uncertain findings up to which they are only notes.
        skipped: positions in the audited set that are not reported.
    """
    found = [
        *_copied(copies, skipped),
        *_leaks(own, duplicates, tolerated, skipped),
        *_repeated(own, duplicates, tolerated, skipped),
        *_labels(own, doubtful, duplicates.sizes, tolerated, skipped),
        *_odd(own, odd, duplicates.sizes, tolerated, skipped),
    ]
    return tuple(sorted(found, key=lambda finding: not finding.matters))


def _copied(copies: CopyFindings | None, skipped: Ints) -> Iterator[Finding]:
    if copies is None:
        return
    items = np.setdiff1d(copies.items, skipped)
    said = ""
    if copies.evidence is not None:
        verdict = "the samples were copied" if copies.copied else "no copying beyond chance"
        said = f"; the permutation test against held-out images says: {verdict} (p = {copies.evidence.p_value:.3g})"
    if len(items) or (copies.copied and not len(skipped)):
        sentence = f"{_counted(len(items), copies.samples, 'samples')} are copies of real images{said}"
        yield Finding("copies", "samples", items, copies.samples, True, sentence)


def _leaks(own: str, duplicates: Duplicates, tolerated: float, skipped: Ints) -> Iterator[Finding]:
    """Yield what two sets share that should not. Of samples, those are named that are in the test split."""
    pairs = [("samples", "test"), ("test", "data"), ("test", "real"), ("test", "held-out"), ("held-out", "real")]
    for name, other in pairs:
        if name in duplicates.sizes and other in duplicates.sizes:
            left_out = skipped if name == own else _NOTHING
            items = np.setdiff1d(duplicates.shared(name, other), left_out)
            equal = np.setdiff1d(duplicates.equal(name, other), left_out)
            what = f"have a duplicate in {other}"
            yield from _alike("leaks", name, items, equal, duplicates.sizes[name], what, tolerated)


def _repeated(own: str, duplicates: Duplicates, tolerated: float, skipped: Ints) -> Iterator[Finding]:
    for name, size in duplicates.sizes.items():
        left_out = skipped if name == own else _NOTHING
        items = np.setdiff1d(duplicates.repeated(name), left_out)
        equal = np.setdiff1d(duplicates.equal(name, name), left_out)
        yield from _alike("duplicates", name, items, equal, size, "repeat an earlier one", tolerated)


def _alike(
    check: str, name: str, items: Ints, equal: Ints, size: int, what: str, tolerated: float
) -> Iterator[Finding]:
    if len(items):
        exact = f", {len(equal)} of them equal in all pixels" if len(equal) else ""
        sentence = f"{_counted(len(items), size, f'images of {name}')} {what}{exact}"
        yield Finding(check, name, items, size, len(equal) > 0 or len(items) > tolerated * size, sentence)


def _labels(
    own: str, doubtful: Mapping[str, DoubtfulLabels], sizes: Mapping[str, int], tolerated: float, skipped: Ints
) -> Iterator[Finding]:
    for name, found in doubtful.items():
        items = np.setdiff1d(found.items, skipped if name == own else _NOTHING)
        if len(items):
            sentence = f"{_counted(len(items), sizes[name], f'labels of {name}')} are doubtful"
            knows = found.agreement >= _KNOWS_ENOUGH
            if not knows:
                sentence += f", but the classifier agrees with only {found.agreement:.0%} of all, so it may be wrong"
            yield Finding("labels", name, items, sizes[name], knows and len(items) > tolerated * sizes[name], sentence)


def _odd(
    own: str, odd: Mapping[str, OddImages], sizes: Mapping[str, int], tolerated: float, skipped: Ints
) -> Iterator[Finding]:
    for name, found in odd.items():
        items = np.setdiff1d(found.items, skipped if name == own else _NOTHING)
        if len(items):
            constant = sum("constant" in found.reasons[item] for item in items.tolist())
            more = f", {constant} of them constant" if constant else ""
            sentence = f"{_counted(len(items), sizes[name], f'images of {name}')} are unlike the usual ones{more}"
            matters = constant > 0 or len(items) > tolerated * sizes[name]
            yield Finding("odd images", name, items, sizes[name], matters, sentence)


def _counted(count: int, size: int, what: str) -> str:
    return f"{count} of {size} {what} ({count / size:.1%})"
