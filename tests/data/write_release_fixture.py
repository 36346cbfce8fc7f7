"""Writes the data directory of a release, once, before it is released: `python tests/data/write_release_fixture.py`.

`release_<major>_<minor>/` gets `data`, a directory with one of everything as a killed server leaves it, and `expected.json`:
the lines of COPY TO of each of its tables. Later versions must read it. A fixture of a released version is never written again.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from foundation.version import QUIVER_VERSION  # noqa: E402
from quiver.check import check  # noqa: E402
from quiver.instance import Instance  # noqa: E402
from tests.quiver.sample_directory import all_rows, write_sample  # noqa: E402

RELEASE = "0.1"
BYTES_MAX = 300_000


def main() -> None:
    assert QUIVER_VERSION.startswith(RELEASE + "."), f"this is version {QUIVER_VERSION}, not {RELEASE}"
    folder = Path(__file__).parent / f"release_{RELEASE.replace('.', '_')}"
    shutil.rmtree(folder, ignore_errors=True)
    write_sample(folder / "data")
    assert check(folder / "data").problems == []
    copied = folder / "copied"
    shutil.copytree(folder / "data", copied)
    with Instance.open(copied) as instance:
        rows = all_rows(instance)
    shutil.rmtree(copied)
    (folder / "expected.json").write_text(
        json.dumps(rows, indent=0, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    size_bytes = sum(file.stat().st_size for file in (folder / "data").rglob("*"))
    assert size_bytes < BYTES_MAX, f"{size_bytes} bytes"


if __name__ == "__main__":
    main()
