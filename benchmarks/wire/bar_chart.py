"""A bar chart of ratios on a logarithmic axis, as SVG text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

_LABEL_WIDTH, _AXIS_WIDTH, _ROW_HEIGHT, _TOP = 460, 420, 18, 46
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_STYLE = (
    "text{font:11px sans-serif;fill:#222}.met{fill:#3a7d44}.missed{fill:#b0413e}"
    ".spread{stroke:#222}.goal{stroke:#1f4e9c;stroke-width:3}.tick{stroke:#ddd}.one{stroke:#888}"
)


@dataclass(frozen=True, slots=True)
class Bar:
    """A median ratio with its spread and its goal, and whether that is met."""

    label: str
    least: float
    median: float
    most: float
    goal: float
    is_met: bool


def bar_chart(title: str, bars: Sequence[Bar]) -> str:
    """A row for each bar, which starts at 1; green where the goal is met, else red."""
    values = [value for bar in bars for value in (bar.least, bar.most, bar.goal) if 0 < value < math.inf]
    low, high = min([0.5, *values]) / 1.2, max([2.0, *values]) * 1.2

    def x(value: float) -> float:
        share = math.log(min(max(value, low), high) / low) / math.log(high / low)
        return round(_LABEL_WIDTH + share * _AXIS_WIDTH, 1)

    height = _TOP + _ROW_HEIGHT * len(bars) + 8
    width = _LABEL_WIDTH + _AXIS_WIDTH + 60
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<style>{_STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="8" y="16">{escape(title)}</text>',
    ]
    for tick in _TICKS:
        if low <= tick <= high:
            kind = "one" if tick == 1 else "tick"
            lines.append(_line(kind, (x(tick), _TOP - 8), (x(tick), height - 4)))
            lines.append(f'<text x="{x(tick)}" y="{_TOP - 12}" text-anchor="middle">{tick:g}</text>')
    for number, bar in enumerate(bars):
        lines += _bar(bar, _TOP + number * _ROW_HEIGHT, x)
    return "\n".join([*lines, "</svg>\n"])


def _bar(bar: Bar, top: float, x: Callable[[float], float]) -> list[str]:
    left, right = sorted((x(1), x(bar.median)))
    middle = top + 7
    kind = "met" if bar.is_met else "missed"
    return [
        f'<text x="{_LABEL_WIDTH - 8}" y="{top + 11}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect class="{kind}" x="{left}" y="{top + 2}" width="{max(1, right - left):.1f}" height="10"/>',
        _line("spread", (x(bar.least), middle), (x(bar.most), middle)),
        _line("goal", (x(bar.goal), top), (x(bar.goal), top + 14)),
        f'<text x="{_LABEL_WIDTH + _AXIS_WIDTH + 8}" y="{top + 11}">{bar.median:.2f}</text>',
    ]


def _line(kind: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    return f'<line class="{kind}" x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}"/>'
