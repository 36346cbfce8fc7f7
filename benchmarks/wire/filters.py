"""Searches of the rows that a filter passes, and the settings by which PostgreSQL does them best.

PostgreSQL has three ways: the rows of a btree or of the whole table, sorted by distance; the vector index, whose rows are
filtered; and the same with pgvector's iterative scan, which goes on until the LIMIT is filled. All are tried with a
ladder of their settings. Quiver is left at its defaults where these reach the recall.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from benchmarks.storage.contenders import Contender
from benchmarks.wire.cells import Cell, Figures, Searches, Settings, figures_of
from benchmarks.wire.clients import run_prepared
from benchmarks.wire.data_sets import Filter, K

RECALL = 0.95
FILTERS = tuple(Filter(column, below) for column in ("bucket", "zone") for below in (500, 100, 10, 1))
_ITERATIVE_BELOW = 10
_BEAMS = (10, 20, 40, 80, 160, 320, 640, 1000)
_TRIALS_PER_CELL = 5
"""How many trials take as long as a cell does."""
_TRIAL_QUERIES = 15
_BY_DISTANCE = "SET enable_sort = off"
"""Leaves PostgreSQL no plan but the vector index, which alone gives rows in the order of distance."""
_WITHOUT_MEMORY_LIMIT = ("SET hnsw.max_scan_tuples = 100000000", "SET hnsw.scan_mem_multiplier = 100")


@dataclass(frozen=True, slots=True)
class Trial:
    """Recall and queries a second of some settings."""

    settings: Settings
    recall: float
    speed: float


class FilteredSearches:
    """The cells of filters: at default settings, at a recall by the best settings, and by iterative scans."""

    def __init__(self, searches: Searches) -> None:
        self._searches = searches
        self._trials: dict[tuple[Filter, str], list[Trial]] = {}

    def cells(self) -> list[Cell]:
        cells = [self._at_defaults(passing) for passing in FILTERS]
        cells += [self._at_recall(passing) for passing in FILTERS]
        cells += [self._iterative(passing) for passing in FILTERS if passing.below == _ITERATIVE_BELOW]
        return cells

    def _at_defaults(self, passing: Filter) -> Cell:
        return self._cell(passing, "default settings", lambda _: ())

    def _at_recall(self, passing: Filter) -> Cell:
        return self._cell(
            passing, f"recall {RECALL}", lambda contender: best(self._tried(contender, passing)).settings
        )

    def _iterative(self, passing: Filter) -> Cell:
        def settings(contender: Contender) -> Settings:
            trials = self._tried(contender, passing)
            if contender.name == "postgres":
                trials = [trial for trial in trials if is_iterative(trial.settings)]
            return best(trials).settings

        return self._cell(passing, "iterative scan", settings)

    def _cell(self, passing: Filter, name: str, settings: Callable[[Contender], Settings]) -> Cell:
        searches = self._searches

        def take(contender: Contender) -> Figures:
            chosen = searches.settings.setdefault(
                f"{contender.name} {passing.name}, {name}", settings(contender)
            )
            load = replace(searches.defaults(K, passing.where), settings=chosen)
            return figures_of(run_prepared(contender, load), searches.nearest(K, passing))

        return Cell(f"{searches.data.table} {passing.name}, {name}", take)

    def _tried(self, contender: Contender, passing: Filter) -> list[Trial]:
        key = passing, contender.name
        if key not in self._trials:
            self._trials[key] = []
            for settings in candidates(contender):
                self._trials[key].append(self._try(contender, passing, settings))
                if contender.name == "quiver" and self._trials[key][-1].recall >= RECALL:
                    break
        return self._trials[key]

    def _try(self, contender: Contender, passing: Filter, settings: Settings) -> Trial:
        load = self._searches.defaults(K, passing.where)
        load = replace(
            load,
            settings=settings,
            seconds=load.seconds / _TRIALS_PER_CELL,
            at_least=_TRIAL_QUERIES,
            warm_up=1,
        )
        figures = figures_of(run_prepared(contender, load), self._searches.nearest(K, passing))
        return Trial(settings, figures["recall"], figures["queries/s"])


def candidates(contender: Contender) -> Iterator[Settings]:
    """Settings to be tried, the defaults first."""
    yield ()
    if contender.name == "quiver":
        yield from ((f"SET hnsw.ef_search = {beam}",) for beam in _BEAMS)
        return
    yield ("SET enable_indexscan = off",)
    yield ("SET enable_indexscan = off", "SET max_parallel_workers_per_gather = 0")
    for beam in _BEAMS:
        yield _BY_DISTANCE, f"SET hnsw.ef_search = {beam}"
    for order in ("strict_order", "relaxed_order"):
        iterative = _BY_DISTANCE, f"SET hnsw.iterative_scan = {order}"
        for beam in _BEAMS:
            yield *iterative, f"SET hnsw.ef_search = {beam}"
        for beam in (40, 320):
            yield *iterative, f"SET hnsw.ef_search = {beam}", *_WITHOUT_MEMORY_LIMIT


def is_iterative(settings: Settings) -> bool:
    return any("iterative_scan" in setting for setting in settings)


def best(trials: list[Trial]) -> Trial:
    """The fastest of those that reach the recall; the one with most recall if none does."""
    reaching = [trial for trial in trials if trial.recall >= RECALL]
    if reaching:
        return max(reaching, key=lambda trial: trial.speed)
    return max(trials, key=lambda trial: trial.recall)
