from typing import Any

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
