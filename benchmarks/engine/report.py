"""A run as JSON, as tables and as curves."""

from __future__ import annotations

import json
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import vecengine
from benchmarks.engine.filtered import Cell
from benchmarks.engine.measure import Load, Point, rate_at

RECALLS = (0.90, 0.95, 0.99)
_PACKAGES = ("faiss-cpu", "hnswlib", "usearch", "numba", "numpy")
_OURS = "quiver"


@dataclass(frozen=True)
class Built:
    """What a contender's index took to build and takes in memory, the vectors included."""

    seconds: float
    bytes_per_vector: float


@dataclass(frozen=True)
class Run:
    """All that was measured on one data set."""

    data: str
    rows: int
    dimensions: int
    build_threads: int
    built: Mapping[str, Built]
    curves: Mapping[str, Mapping[str, Sequence[Point]]]
    """By load, then by contender."""
    filtered: Sequence[Cell]

    def to_json(self) -> str:
        return json.dumps({**asdict(self), "environment": environment()}, indent=1)


def environment() -> dict[str, str]:
    """Machine, versions and commit."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    found = {package: version(package) for package in _PACKAGES if _is_installed(package)}
    return {
        "machine": f"{platform.machine()}, {vecengine.simd_level()}, {_cpu_model()}",
        "python": platform.python_version(),
        "commit": commit.stdout.strip(),
        **found,
    }


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except ImportError:
        return False
    return True


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def table(run: Run) -> str:
    """The run in Markdown."""
    lines = [f"### {run.data}", ""]
    lines += [f"| index | build, {run.build_threads} threads | bytes a vector |", "|---|---|---|"]
    lines += [
        f"| {name} | {built.seconds:.1f} s | {built.bytes_per_vector:.0f} |"
        for name, built in run.built.items()
    ]
    for load, curves in run.curves.items():
        heads = " | ".join(f"recall {recall:.2f}" for recall in RECALLS)
        lines += [
            "",
            f"Queries a second, {load}",
            "",
            f"| index | {heads} |",
            "|---|" + "---|" * len(RECALLS),
        ]
        for name, points in curves.items():
            rates = [rate_at(points, recall) for recall in RECALLS]
            shown = " | ".join("-" if rate is None else f"{rate:,.0f}" for rate in rates)
            lines.append(f"| {name} | {shown} |")
    if run.filtered:
        lines += ["", "| filter | passes | recall | queries/s | x unfiltered | x faiss flat |"]
        lines += ["|---|---|---|---|---|---|"]
        lines += [
            f"| {c.filter} | {c.selectivity:.1%} | {c.recall:.3f} | {c.rate:,.0f} | {c.against_unfiltered:.2f} | {c.against_flat:.1f} |"
            for c in run.filtered
        ]
    return "\n".join(lines) + "\n"


def draw(run: Run, path: Path) -> None:
    """Recall against queries a second, one panel for each load, as PNG."""
    import matplotlib  # type: ignore[import-not-found, unused-ignore]

    matplotlib.use("Agg")
    from matplotlib import pyplot  # type: ignore[import-not-found, unused-ignore]

    figure, panels = pyplot.subplots(1, len(run.curves), figsize=(6 * len(run.curves), 5), squeeze=False)
    for panel, (load, curves) in zip(panels[0], run.curves.items()):
        for name, points in curves.items():
            front = sorted(points, key=lambda point: point.recall)
            style: dict[str, Any] = {"marker": "o", "markersize": 3}
            style |= {"linewidth": 2.5} if name.startswith(_OURS) else {"linewidth": 1, "linestyle": "--"}
            panel.plot([p.recall for p in front], [p.rate for p in front], label=name, **style)
        panel.set_title(f"{run.data}, {load}", fontsize=10)
        panel.set(xlabel="recall at 10", ylabel="queries a second", yscale="log", xlim=(0.8, 1.002))
        panel.grid(visible=True, which="both", alpha=0.3)
    panels[0][0].legend(fontsize=7)
    found = environment()
    figure.suptitle(", ".join(f"{name} {value}" for name, value in found.items()), fontsize=7)
    figure.tight_layout()
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def loads() -> tuple[Load, ...]:
    """One query and a hundred a call, on one thread and on two."""
    return (Load(1, 1), Load(1, 2), Load(100, 1), Load(100, 2))
