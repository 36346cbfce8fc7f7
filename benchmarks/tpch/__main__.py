"""The 22 queries of TPC-H through psql, both servers in turns. See README.md here."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from benchmarks.storage.contenders import contenders
from benchmarks.tpch.workload import Answer, ask, generate, load, queries


def table(answers: dict[str, list[list[Answer]]]) -> str:
    """Markdown: median milliseconds of each query and of whole turns, ratios and whether the answers are the same."""
    lines = ["| query | PostgreSQL ms | Quiver ms | ratio | same rows |", "|---|---|---|---|---|"]
    for number in range(len(queries())):
        theirs, ours = (
            median(turn[number].milliseconds for turn in answers[name]) for name in ("postgres", "quiver")
        )
        texts = {turn[number].text for turns in answers.values() for turn in turns}
        is_same = "yes" if len(texts) == 1 else "no"
        lines.append(f"| {number + 1} | {theirs:.1f} | {ours:.1f} | {theirs / ours:.2f} | {is_same} |")
    totals = {name: [sum(a.milliseconds for a in turn) for turn in turns] for name, turns in answers.items()}
    ratios = [theirs / ours for theirs, ours in zip(totals["postgres"], totals["quiver"], strict=True)]
    theirs, ours = median(totals["postgres"]), median(totals["quiver"])
    spread = f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    return "\n".join([*lines, f"| all | {theirs:.0f} | {ours:.0f} | {spread} | |"])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=0.1, help="1 is a gigabyte; default 0.1")
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument(
        "--foreign-key-indexes", action="store_true", help="a btree on every foreign key, for both servers"
    )
    options = parser.parse_args()
    answers: dict[str, list[list[Answer]]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        contenders({"shared_buffers": "2GB"}, over_socket=True) as pair,
    ):
        generate(Path(folder), options.scale)
        for contender in pair:
            load(contender.dsn, Path(folder), has_foreign_key_indexes=options.foreign_key_indexes)
            ask(contender.dsn, queries())
        for turn in range(options.turns):
            for contender in pair if turn % 2 == 0 else pair[::-1]:
                answers.setdefault(contender.name, []).append(ask(contender.dsn, queries()))
    print(table(answers))


if __name__ == "__main__":
    main()
