"""Everything about a GPU in one command: builds the kernels if need be, compares them with the CPU, and measures.

    python bench/gpu.py                    all: a few minutes, results in bench/results/gpu.json and gpu.md
    python bench/gpu.py --only "colour"    cases whose names match; results in build/bench
    python bench/gpu.py --device cpu       a trial of the command without a GPU, whose figures say nothing; the same

Results are written as they come. Needs torch with CUDA and, to build, nvcc, pybind11 and scikit-build-core; no network.
Where pytest and hypothesis are installed, the tests marked `gpu` run too. bench/README.md tells what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PARTIAL = ROOT / "build" / "bench"
BUILT = ROOT / "build" / "gpu"


def main() -> int:
    """Exit status 0, or 1 where the device's pictures are not those of the CPU, or something of ours failed."""
    arguments = _arguments()
    if not _has_kernels():
        return _build_and_start_again()
    return _measure(arguments)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a regular expression: cases whose names it matches")
    parser.add_argument("--device", default="cuda", help="as torch names it")
    parser.add_argument("--output", type=Path, help="folder for the results")
    return parser.parse_args()


# ---- Building -------------------------------------------------------------------------------------------------


def _has_kernels() -> bool:
    try:
        return find_spec("augsynth._native._cuda") is not None
    except ModuleNotFoundError:
        return False


def _build_and_start_again() -> int:
    """Install augsynth into build/gpu, with what this Python has, and run this command with it."""
    if str(BUILT) in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        raise SystemExit(f"augsynth was built into {BUILT}, but has no CUDA kernels there")
    print(f"== building augsynth with CUDA into {BUILT}", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q", "--no-deps", "--upgrade"]
    settings = {"cmake.define.AUGSYNTH_CUDA": "ON", "build-dir": f"{ROOT}/build/gpu-objects"} | _architectures()
    build = ["--no-build-isolation", *(f"-C{name}={value}" for name, value in settings.items())]
    if subprocess.run([*pip, *build, "--target", str(BUILT), str(ROOT)], check=False).returncode:
        raise SystemExit(
            f"augsynth could not be built, for which {sys.executable} needs nvcc, pybind11, scikit-build-core"
        )
    paths = [str(BUILT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode


def _architectures() -> dict[str, str]:
    """Only those of the devices that are here, which takes a third of the time."""
    if shutil.which("nvidia-smi") is None:
        return {}
    command = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = sorted({int(line.replace(".", "")) for line in said.split() if re.fullmatch(r"\d+\.\d", line)})
    return {"cmake.define.AUGSYNTH_CUDA_ARCHITECTURES": ";".join(map(str, found))} if found else {}


# ---- Measuring ------------------------------------------------------------------------------------------------


def _measure(arguments: argparse.Namespace) -> int:
    from harness.gpu.cases import CASES
    from harness.gpu.collect import Collection, is_good

    cases = [case for case in CASES.values() if re.search(arguments.only, case.name)]
    if not cases:
        raise SystemExit(f"no case matches {arguments.only!r}: there are {', '.join(CASES)}")
    whole = not arguments.only and arguments.device != "cpu"
    folder = arguments.output or (RESULTS if whole else PARTIAL)
    results = Collection(cases, arguments.device, lambda found: _write(found, folder)).all()
    print((folder / "gpu.md").read_text())
    print(f"written to {folder}: gpu.json, gpu.md")
    return int(not is_good(results))


def _write(results: dict[str, Any], folder: Path) -> None:
    from harness.gpu.report import markdown

    folder.mkdir(parents=True, exist_ok=True)
    pages = {"gpu.json": json.dumps(results, indent=1, ensure_ascii=False) + "\n", "gpu.md": markdown(results)}
    for name, page in pages.items():
        (folder / "unfinished").write_text(page)
        (folder / "unfinished").replace(folder / name)  # at once, as the run may be cut off at any time


if __name__ == "__main__":
    raise SystemExit(main())
