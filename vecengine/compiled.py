"""The compiled kernels of this process: where their machine code is cached, and when they are ready.

numba is imported and its kernels are compiled or loaded by `warm_up()` alone, so importing this package is cheap
and a cold start blocks nobody: callers ask `kernels()` and take the NumPy formulas while it is None.

The cache folder is keyed by a hash of its path, the versions of numba, llvmlite and NumPy and the CPU's features (see `instruction_sets`), and in it each
kernel module's by one of all sources it is made of: numba's own cache notices a changed file, but not a changed callee in another
file. The first compilation
of a machine runs in a child process, because a compiler holding the GIL for seconds would stall every session;
the child fills the cache and this process loads from it. Without a writable cache folder it compiles in place.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Collection
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from vecengine.arrays import CancelWord, check_cancel
from vecengine.instruction_sets import set_target, target_name

CACHE_VARIABLE = "QUIVER_KERNEL_CACHE"
_KERNEL_MODULES = (
    "vecengine.kernels_scan",
    "vecengine.kernels_graph",
    "vecengine.kernels_walk",
    "vecengine.kernels_insert",
    "vecengine.kernels_sparse",
    "vecengine.kernels_lists",
    "vecengine.kernels_forest",
    "vecengine.kernels_coded_lists",
    "vecengine.kernels_coded_scan",
    "vecengine.kernels_product",
    "vecengine.kernels_postings",
    "vecengine.kernels_rabitq",
    "vecengine.kernels_pages",
)
_IMPORTED = re.compile(r"^from vecengine\.(\w+) import", re.MULTILINE)
_COMPILE_SECONDS_MAX = 600
_POLL_S = 0.02
_SOURCES = Path(__file__).parent

Kernel = Callable[..., int]


class KernelSet(NamedTuple):
    """Compiled entry points; arguments and contracts are in the kernel files of the same names.

    They trust their arguments: only `vecengine.arrays` and the searches that use it may call them.
    """

    scan_distances: Kernel
    offset_distances: Kernel
    pair_distances: Kernel
    row_norms: Kernel
    scan_top_k: Kernel
    scan_range: Kernel
    search_graph: Kernel
    walk_graph: Kernel
    choose_links: Kernel
    link_back: Kernel
    carry_links: Kernel
    sparse_distances: Kernel
    search_lists: Kernel
    split_nodes: Kernel
    lead_nodes: Kernel
    search_forest: Kernel
    search_coded_lists: Kernel
    scan_codes: Kernel
    product_codes: Kernel
    product_tables: Kernel
    search_postings: Kernel
    rotate_rows: Kernel
    sign_tables: Kernel
    search_pages: Kernel


class _State:
    """The one set of kernels of this process.

    `loading` is held for the seconds of a compilation, `starting` only to decide who starts one.
    """

    def __init__(self) -> None:
        self.loading = threading.Lock()
        self.starting = threading.Lock()
        self.started = False
        self.finished = threading.Event()
        self.kernels: KernelSet | None = None
        self.failure: Exception | None = None
        # numba frees machine code with its dispatcher; entry points alone do not keep it.
        self.dispatchers: list[Any] = []


_state = _State()


def cache_folder() -> Path | None:
    """Folder of this source, these versions and this CPU, created; None where it cannot be written.

    `$QUIVER_KERNEL_CACHE`, else `$XDG_CACHE_HOME/quiver/kernels`, else `~/.cache/quiver/kernels` holds it.
    """
    parent = os.environ.get(CACHE_VARIABLE)
    if parent is None:
        user_cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        parent = os.path.join(user_cache, "quiver", "kernels")
    folder = Path(parent) / _cache_key()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK | os.X_OK) else None


def _cache_key() -> str:
    digest = hashlib.sha256()
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(f"{package} {version(package)}\n".encode())
    # numba files machine code under the folder of its source, so each installation fills a cache of its own.
    digest.update(str(_SOURCES).encode() + b"\0")
    digest.update(f"{sys.version} {target_name()}".encode())
    return digest.hexdigest()[:32]


def sources_key(module: str) -> str:
    """Hash of the source of a module of this package, and of all modules of the package that it imports, directly or not."""
    texts: dict[str, bytes] = {}
    waiting = [module.rpartition(".")[2]]
    while waiting:
        name = waiting.pop()
        path = _SOURCES / f"{name}.py"
        if name not in texts and path.exists():
            texts[name] = path.read_bytes()
            waiting += _IMPORTED.findall(texts[name].decode())
    digest = hashlib.sha256()
    for name in sorted(texts):
        digest.update(name.encode() + b"\0" + texts[name])
    return digest.hexdigest()[:32]


def _marker(folder: Path) -> Path:
    """File that says that the folder has the machine code of all of these sources."""
    keys = "".join(sources_key(name) for name in _KERNEL_MODULES)
    return folder / f"complete-{hashlib.sha256(keys.encode()).hexdigest()[:32]}"


def kernels() -> KernelSet | None:
    """The kernels if they are ready, else None; the first call for kernels starts warming them."""
    if _state.kernels is None:
        start_warm_up()
    return _state.kernels


def kernels_ready() -> bool:
    """Whether searches run on compiled kernels by now."""
    return _state.kernels is not None


def start_warm_up() -> None:
    """Warm the kernels on a daemon thread, unless that was begun already. Never waits."""
    with _state.starting:
        if _state.started:
            return
        _state.started = True
    threading.Thread(target=warm_up, name="quiver-kernels", daemon=True).start()


def warm_up() -> bool:
    """Compile or load all kernels and return when that is done: seconds without a filled cache, else a fraction.

    Returns whether kernels are ready. Where numba cannot compile for this machine they never are, and the NumPy
    formulas go on answering; `failure()` has the reason.
    """
    with _state.starting:
        _state.started = True
    with _state.loading:
        if _state.kernels is None and _state.failure is None:
            folder = cache_folder()
            if folder is not None and not _marker(folder).exists():
                _fill_cache_in_child()
            _load(folder)
        _state.finished.set()
    return _state.kernels is not None


def await_kernels(cancel: CancelWord | None) -> KernelSet | None:
    """The kernels as soon as they are there; None where this machine has none.

    Raises:
        QueryCanceled: 57014, while they are still being compiled.
    """
    start_warm_up()
    while not _state.finished.wait(_POLL_S):
        check_cancel(cancel)
    return _state.kernels


def failure() -> Exception | None:
    """Why kernels could not be compiled, None when they could or nobody tried."""
    return _state.failure


def _fill_cache_in_child() -> None:
    if not sys.executable:
        return
    command = [sys.executable, "-c", "from vecengine import compiled; compiled.fill_cache()"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    try:
        subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_COMPILE_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        # No child process here, or it hung: this process compiles what the cache lacks.
        return


def fill_cache() -> None:
    """Body of the child process: compile everything into the cache folder, unless another process has meanwhile.

    Servers that start together on a machine whose cache is cold would else compile the same beside each other.
    """
    folder = cache_folder()
    if folder is None:
        return
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _marker(folder).exists():
            _load(folder)


def _load(folder: Path | None) -> None:
    try:
        _state.kernels = _compile_all(folder)
        if folder is not None:
            _marker(folder).touch()
    except (
        Exception
    ) as error:  # numba, LLVM and unpickling raise whatever they like; any of it means "no kernels"
        if folder is None:
            _state.failure = error
        else:
            # Perhaps only the cache is damaged.
            _load(None)


def _compile_all(folder: Path | None) -> KernelSet:
    entries: dict[str, Kernel] = {}
    for module in _KERNEL_MODULES:
        entries |= compile_kernels(module, folder)
    return KernelSet(**entries)


def compile_kernels(module: str, folder: Path | None, names: Collection[str] = ()) -> dict[str, Kernel]:
    """Compile or load kernels of a module by name, all where none is named. None for no cache folder."""
    import numba

    config: Any = numba.config
    set_target(config)
    # numba reads the folder when a function is decorated; other users of numba keep their own.
    previous = config.CACHE_DIR
    try:
        config.CACHE_DIR = "" if folder is None else str(folder / sources_key(module))
        table = importlib.import_module(module).KERNELS
        return {name: _compile(table[name], is_cached=folder is not None) for name in names or table}
    finally:
        config.CACHE_DIR = previous


def _compile(kernel: tuple[Kernel, Any], *, is_cached: bool) -> Kernel:
    """The entry point of a function, given with its signature."""
    import numba

    from vecengine.kernels_types import OPTIONS

    function, signature = kernel
    compiled: Any = numba.njit([signature], cache=is_cached, **OPTIONS)(function)
    # The entry point skips numba's dispatch on argument types, which costs more than a small search.
    _state.dispatchers.append(compiled)
    (overload,) = compiled.overloads.values()
    entry: Kernel = overload.entry_point
    return entry
