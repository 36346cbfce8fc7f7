"""Goal: a cold start answers, and the cache of machine code is found, keyed and done without.

Method: child processes with cache folders of their own, which load and do not compile where a filled one serves.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import vecengine
from foundation.cancel import CANCEL_USER, CancelToken
from foundation.errors import QueryCanceled
from vecengine import compiled


def test_the_folder_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(compiled.CACHE_VARIABLE, str(tmp_path / "a"))
    folder = compiled.cache_folder()
    assert folder is not None and folder.parent == tmp_path / "a" and folder.is_dir()
    monkeypatch.delenv(compiled.CACHE_VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert compiled.cache_folder() == tmp_path / "b" / "quiver" / "kernels" / folder.name
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert compiled.cache_folder() == tmp_path / "c" / ".cache" / "quiver" / "kernels" / folder.name


def test_no_folder_where_none_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv(compiled.CACHE_VARIABLE, str(blocked))
    assert compiled.cache_folder() is None


def test_machine_code_follows_every_source_it_is_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = {
        "kernels_a.py": "from vecengine.kernels_b import b\n",
        "kernels_b.py": "import numpy\nfrom vecengine.kernels_c import c\n",
        "kernels_c.py": "from vecengine.kernels_a import a\n",
        "kernels_d.py": "",
    }
    for name, text in sources.items():
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(compiled, "_SOURCES", tmp_path)
    before = {name: compiled.sources_key(f"vecengine.{name[:-3]}") for name in sources}
    (tmp_path / "kernels_c.py").write_text("c = 1\n")
    changed = [name for name, key in before.items() if compiled.sources_key(f"vecengine.{name[:-3]}") != key]
    assert changed == ["kernels_a.py", "kernels_b.py", "kernels_c.py"]


def test_of_processes_that_start_together_one_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(compiled.CACHE_VARIABLE, str(tmp_path))
    loaded: list[Path | None] = []
    monkeypatch.setattr(compiled, "_load", loaded.append)
    folder = compiled.cache_folder()
    assert folder is not None
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = threading.Thread(target=compiled.fill_cache)
        waiting.start()
        waiting.join(0.05)
        assert waiting.is_alive()
        compiled._marker(folder).touch()
    waiting.join()
    assert not loaded
    compiled._marker(folder).unlink()
    compiled.fill_cache()
    assert loaded == [folder]


def test_the_level_has_a_name() -> None:
    assert vecengine.simd_level() in ("avx512-vnni", "avx512", "avx2", "neon", "portable")


def test_importing_the_package_imports_no_compiler() -> None:
    program = "import sys, vecengine; sys.exit(sum(name in sys.modules for name in ('numba', 'faiss')))"
    assert (
        subprocess.run([sys.executable, "-c", program], env=child_environment(), check=False).returncode == 0
    )


def test_a_build_that_waits_for_the_compiler_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    state = compiled._State()
    state.started = True
    monkeypatch.setattr(compiled, "_state", state)
    token = CancelToken()
    threading.Timer(0.1, token.cancel, (CANCEL_USER,)).start()
    with pytest.raises(QueryCanceled):
        vecengine.build_index("hnsw", np.eye(4, dtype=np.float32), metric="l2", cancel=token.word)
    state.finished.set()
    assert vecengine.build_index("hnsw", np.eye(4, dtype=np.float32), metric="l2").family == "hnsw"


@pytest.mark.slow
def test_a_cold_process_answers_at_once_and_warms_up() -> None:
    program = """
import time, numpy as np, vecengine
vectors = np.eye(3, dtype=np.float32)
assert vecengine.exact_search(vectors, vectors, 1, metric="l2")[1].ravel().tolist() == [0, 1, 2]
assert not vecengine.kernels_ready()
assert vecengine.warm_up() and vecengine.kernels_ready()
assert vecengine.exact_search(vectors, vectors, 1, metric="l2")[1].ravel().tolist() == [0, 1, 2]
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=child_environment(), check=False
    )
    assert done.returncode == 0


def child_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(Path(compiled.__file__).parents[1])}
