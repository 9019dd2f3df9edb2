from typing import Any

import numpy as np
import numpy.typing as npt

from augsynth._native.layout import Tables

class Launch:
    def __init__(
        self,
        *,
        rows: npt.NDArray[Any],
        sources: npt.NDArray[np.int64],
        outputs: npt.NDArray[np.int64],
        tables: Tables,
    ) -> None: ...
    @property
    def copied(self) -> int: ...
    @property
    def scratch(self) -> int: ...
    def write(self, staging: int, device: int) -> None: ...
    def run(self, device: int, stream: int) -> None: ...
    def run_on_host(self) -> None: ...
    def steps(self) -> list[tuple[str, int, int, int]]: ...

def devices() -> list[dict[str, Any]]: ...
def build_info() -> dict[str, Any]: ...
def linear_pass(
    source: Any,
    output: Any,
    parameters: dict[str, Any],
    means: Any,
    *,
    adjoint: bool,
    device: int,
    stream: int,
) -> None: ...
