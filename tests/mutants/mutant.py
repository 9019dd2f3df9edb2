"""One place at which the code is broken, and the tests that have to notice."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """`before` becomes `after` in `file`, and `tests` (a path and a -k expression) must fail."""

    breaks: str
    file: str
    before: str
    after: str
    tests: tuple[str, str]

    @property
    def is_native(self) -> bool:
        return self.file.startswith("csrc/")

    def broken(self, text: str) -> str:
        """The file's text with its line changed; ends the run where the line is no longer there."""
        if self.before not in text:
            raise SystemExit(f"{self.file} no longer holds {self.before!r}: mend the mutant {self.breaks!r}")
        return text.replace(self.before, self.after, 1)
