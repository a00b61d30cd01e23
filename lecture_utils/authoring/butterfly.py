"""What moves when a last digit does: under other kernels, and with a butterfly.

Processors differ in the order in which they add, and so in the last digit of a sum. Two ways to
see it without a second machine: make the libraries choose other kernels, or let a butterfly flap
its wings once, by multiplying whatever is drawn at random by 1 + 1e-6 randn.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import torch

from lecture_utils.authoring.notebooks import ROOT

BUTTERFLY = "COURSE_BUTTERFLY"  # the variable that holds a butterfly's seed
STRENGTH = 1e-6
ONE_THREAD = {"OMP_NUM_THREADS": "1"}  # as the Makefile sets it
SSE = ONE_THREAD | {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Nehalem",
}
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "OPENBLAS_CORETYPE": "Haswell",
}
SETTINGS = {
    "this machine's kernels": {},
    "ATen's plain kernels": {"ATEN_CPU_CAPABILITY": "default"},
    "AVX2 everywhere": AVX2,
    "SSE4 everywhere": SSE,
} | {f"butterfly {seed}": {BUTTERFLY: str(seed)} for seed in range(1, 6)}
STARTUP = "from lecture_utils.authoring import butterfly; butterfly.fly()\n"


def fly() -> None:
    """Multiply what PyTorch draws at random by 1 + 1e-6 randn, if BUTTERFLY holds a seed.

    The factor depends on the seed and on the number of values drawn, and on nothing else: two
    draws that were the same stay the same.
    """
    if not (seed := os.environ.get(BUTTERFLY)):
        return
    torch.Tensor.normal_ = _flapping(torch.Tensor.normal_, int(seed))
    torch.Tensor.uniform_ = _flapping(torch.Tensor.uniform_, int(seed))
    torch.randn = _flapping(torch.randn, int(seed))


def _flapping(draw, seed: int):
    calm = torch.randn

    def drawn(*args: object, **options: object) -> torch.Tensor:
        values = draw(*args, **options)
        if values.is_meta:  # it has a shape and no numbers
            return values
        noise = torch.Generator().manual_seed(seed)
        factor = 1 + STRENGTH * calm(values.shape, generator=noise, dtype=torch.float64)
        with torch.no_grad():
            values.mul_(factor.to(values.dtype))
        return values

    return drawn


def profile(folder: Path) -> dict[str, str]:
    """Return the variables under which every kernel calls `fly` as it starts."""
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-butterfly.py").write_text(STARTUP)
    return {"IPYTHONDIR": str(folder)}


def trial(setting: dict[str, str]) -> dict[str, list[str]]:
    """Run notebooks and claims under a setting; their names by outcome, "passed" or "failed"."""
    with tempfile.TemporaryDirectory() as name:
        report = Path(name) / "report.xml"
        command = [sys.executable, "-m", "pytest", "notebooks", "tests/claims"]
        command += ["--numprocesses", "2", "--no-loadscope-reorder", f"--junitxml={report}"]
        environment = os.environ | ONE_THREAD | profile(Path(name) / "ipython") | setting
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        if not report.exists():
            raise RuntimeError(f"the tests did not run:\n{done.stdout}{done.stderr}")
        cases = ET.parse(report).iter("testcase")
        found = {"passed": [], "failed": []}
        for case in cases:
            red = case.find("failure") is not None or case.find("error") is not None
            name = f"{case.get('classname')} {case.get('name')}"
            found["failed" if red else "passed"].append(name)
    return found


def main(names: list[str]) -> int:
    """Print a line for each setting, and what moved under it; return 0 where nothing did."""
    moved = False
    if unknown := set(names) - set(SETTINGS):
        print(f"no setting {', '.join(sorted(unknown))}; there are {', '.join(SETTINGS)}")
        return 2
    print(f"{'setting':24}{'cells':>7}{'moved':>7}{'claims':>8}{'broken':>8}{'minutes':>9}")
    for name in names or SETTINGS:
        start = time.monotonic()
        found = trial(SETTINGS[name])
        red, green = found["failed"], found["passed"]
        row = f"{name:24}"
        for kind in ("notebooks", "tests.claims"):
            lost, held = (sum(case.startswith(kind) for case in cases) for cases in (red, green))
            row += f"{lost + held:7}{lost:7} "
        print(f"{row}{(time.monotonic() - start) / 60:8.1f}", flush=True)
        for case in red:
            print(f"    {case}", flush=True)
        moved |= bool(red)
    return int(moved)
