"""Origin of figures: processor, caches, load, versions and the state of the source tree."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from augsynth import _native

_CPUINFO = Path("/proc/cpuinfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")


def describe() -> dict[str, Any]:
    """Return the machine, the interpreter and the build of augsynth, as JSON."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "processor": processor(),
        "cores": os.cpu_count(),
        "caches": caches(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "augsynth": version("augsynth"),
        "commit": commit(),
        "compiler": str(_native.build_info()["compiler"]),
        "isas": _native.isas(),
    }


def versions(distributions: list[str]) -> dict[str, str]:
    """Return the installed versions."""
    return {name: version(name) for name in distributions}


def load() -> float:
    """Return the mean number of processes that were running or waiting in the last minute."""
    return round(os.getloadavg()[0], 2)


def processor() -> str:
    """Return the name of the processor with family and model, because some names are incomplete."""
    if not _CPUINFO.exists():
        return platform.processor()
    lines = (line.split(":", 1) for line in _CPUINFO.read_text().splitlines() if ":" in line)
    fields = {key.strip(): value.strip() for key, value in lines}
    return f"{fields.get('model name', '?')} (family {fields.get('cpu family')}, model {fields.get('model')})"


def caches() -> dict[str, str]:
    """Return the sizes of the data caches of one core, from the system."""
    found = {}
    for index in sorted(_CACHES.glob("index*")):
        if (index / "type").read_text().strip() != "Instruction":
            found["L" + (index / "level").read_text().strip()] = (index / "size").read_text().strip()
    return found


def commit() -> str:
    """Return the commit, marked if files differ from it; empty outside a repository."""
    folder = Path(__file__).parent
    try:
        asked = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
        return subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
