"""Everything about a GPU in one command: builds the kernels if need be, compares them with the CPU, and measures.

    python bench/gpu.py                    all: a few minutes, results in bench/results/gpu.json and gpu.md
    python bench/gpu.py --only "colour"    cases whose names match; results in build/bench

Needs torch with CUDA and, to build, nvcc, pybind11 and scikit-build-core; no network. Where pytest and hypothesis are
installed, the tests marked `gpu` run too. bench/README.md tells what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PARTIAL = ROOT / "build" / "bench"
BUILT = ROOT / "build" / "gpu"


def main() -> int:
    """Exit status 0, or 1 where the device's pictures are not those of the CPU."""
    arguments = _arguments()
    if not _has_kernels():
        return _build_and_start_again()
    results = _measure(arguments.only)
    _write(results, arguments.output or (PARTIAL if arguments.only else RESULTS))
    return int(any(one["differing"] for one in results["parity"]) or results["tests"].startswith("failed"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="a regular expression: cases whose names it matches")
    parser.add_argument("--output", type=Path, help="folder for the results")
    return parser.parse_args()


# ---- Building -------------------------------------------------------------------------------------------------


def _has_kernels() -> bool:
    try:
        return find_spec("augsynth._cuda") is not None
    except ModuleNotFoundError:
        return False


def _build_and_start_again() -> int:
    """Install augsynth into build/gpu, with what this Python has, and run this command with it."""
    if str(BUILT) in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        raise SystemExit(f"augsynth was built into {BUILT}, but has no CUDA kernels there")
    print(f"== building augsynth with CUDA into {BUILT}", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "-q", "--no-deps", "--upgrade"]
    build = ["--no-build-isolation", "-C", "cmake.define.AUGSYNTH_CUDA=ON", "-C", f"build-dir={ROOT}/build/gpu-objects"]
    subprocess.run([*pip, *build, "--target", str(BUILT), str(ROOT)], check=True)
    paths = [str(BUILT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode


# ---- Measuring ------------------------------------------------------------------------------------------------


def _measure(only: str) -> dict[str, Any]:
    import torch
    from harness import machine
    from harness.gpu.cases import CASES
    from harness.gpu.measure import measure_case
    from harness.gpu.parity import compare
    from harness.gpu.timing import WARM_UP, copy_bandwidth

    from augsynth import _native
    from augsynth.device import checked_device, numbered

    cases = [case for case in CASES if re.search(only, case.name)]
    if not cases:
        raise SystemExit(f"no case matches {only!r}: there are {', '.join(case.name for case in CASES)}")
    device = numbered(checked_device("cuda"))
    print("== comparing with the CPU", flush=True)
    parity = [asdict(one) for one in compare(device)]
    tests = _run_tests()
    print("== measuring", flush=True)
    return {
        "machine": machine.describe(),
        "device": _native.cuda_devices()[device.index or 0],
        "build": _native.cuda_build_info(),
        "versions": machine.versions([name for name in ("torch", "torchvision", "kornia") if find_spec(name)]),
        "torch_cuda": torch.version.cuda,
        "warm_up": WARM_UP,
        "copy_bandwidth": copy_bandwidth(device),
        "parity": parity,
        "tests": tests,
        "rows": [measure_case(case, device).as_json() for case in cases],
    }


def _run_tests() -> str:
    """The outcome of the tests marked `gpu`, in words."""
    lacking = [name for name in ("pytest", "hypothesis") if find_spec(name) is None]
    if lacking:
        return f"not run, as {' and '.join(lacking)} is not installed"
    # Elsewhere than in the source tree, whose package has no kernels and would be found first.
    (ROOT / "build").mkdir(exist_ok=True)
    folders = [str(ROOT / "tests" / name) for name in ("cuda", "differentiable")]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "gpu", *folders]
    done = subprocess.run(command, cwd=ROOT / "build", capture_output=True, text=True, check=False)
    print(done.stdout, done.stderr, sep="\n", flush=True)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr.strip()[-200:]
    return last if done.returncode == 0 else f"failed: {last}"


def _write(results: dict[str, Any], folder: Path) -> None:
    from harness.gpu.report import markdown

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "gpu.json").write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    table = markdown(results)
    (folder / "gpu.md").write_text(table)
    print(table)
    print(f"written to {folder}: gpu.json, gpu.md")


if __name__ == "__main__":
    raise SystemExit(main())
