"""Goal: a server whose disk is full, or that may open no more files, refuses what it cannot do and lives on.

Method: a real server on a small tmpfs (where the tests may mount one) that clients fill, and one whose limit of open
files is lowered while it runs. Statements fail with 53100 or 53000, reads go on, what was acknowledged is there, writing
works again without a restart as soon as there is room, and after a kill, too.
"""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.quiver.server_process import ServerProcess

pytestmark = pytest.mark.slow
DISK_BYTES = 32 << 20
BALLAST_BYTES = 20 << 20
BATCH_ROWS = 500


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 32 MiB with 20 MiB taken by a file."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("tests may not mount a file system here")
    try:
        (disk / "ballast").write_bytes(bytes(BALLAST_BYTES))
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


class Client:
    """Writes batches of rows and remembers those that were acknowledged."""

    def __init__(self, server: ServerProcess) -> None:
        self.connection = psycopg.connect(server.dsn, autocommit=True)
        self.batches: list[int] = []
        self.next_batch = 0

    def create(self) -> None:
        self.connection.execute(
            "CREATE TABLE batches (batch int, n int, v vector(16), note text, PRIMARY KEY (batch, n))"
        )

    def insert(self) -> None:
        self.next_batch += 1
        self.connection.execute(
            "INSERT INTO batches SELECT %s, i, array_fill(i::real, ARRAY[16]), repeat('x', 100)"
            " FROM generate_series(1, %s) i",
            (self.next_batch, BATCH_ROWS),
        )
        self.batches.append(self.next_batch)

    def insert_until_full(self, attempts: int = 2000) -> psycopg.Error:
        for _ in range(attempts):
            try:
                self.insert()
            except psycopg.Error as error:
                return error
        raise AssertionError("the disk did not fill")

    def check(self) -> None:
        counted = self.connection.execute("SELECT batch, count(*) FROM batches GROUP BY batch ORDER BY 1")
        assert counted.fetchall() == [(batch, BATCH_ROWS) for batch in self.batches]

    def reconnect(self, server: ServerProcess) -> None:
        self.connection.close()
        self.connection = psycopg.connect(server.dsn, autocommit=True)


def test_a_full_disk_is_survived(small_disk: Path) -> None:
    server = ServerProcess(small_disk / "data")
    client = Client(server)
    try:
        client.create()
        client.insert()
        error = client.insert_until_full()
        assert (error.sqlstate, error.diag.message_hint) == ("53100", "Check free disk space.")
        assert str(error.diag.message_primary).startswith("could not extend file ")
        assert str(error.diag.message_primary).endswith(": No space left on device")
        client.check()
        # A block in which a statement fails is rolled back whole.
        with pytest.raises(psycopg.errors.DiskFull), client.connection.transaction():
            client.connection.execute("DELETE FROM batches WHERE batch <= 2")
            client.connection.execute(
                "INSERT INTO batches SELECT -1, i, NULL, repeat('y', 1000) FROM generate_series(1, 30000) i"
            )
        with pytest.raises(psycopg.errors.DiskFull):
            client.connection.execute("CHECKPOINT")
        client.check()
        (small_disk / "ballast").unlink()
        for _ in range(10):
            client.insert()
        client.connection.execute("CHECKPOINT")
        client.check()
        assert client.insert_until_full().sqlstate == "53100"
        server.kill()
        (small_disk / "data" / "spill" / "left").write_bytes(b"")
        server = ServerProcess(small_disk / "data")
        client.reconnect(server)
        client.check()
        assert server.stop() == 0, "".join(server.log)
        server = ServerProcess(small_disk / "data")
        client.reconnect(server)
        client.check()
        assert not any("Traceback" in line for line in server.log), "".join(server.log)
    finally:
        client.connection.close()
        server.kill()


def test_too_many_open_files_are_survived(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    client = Client(server)
    try:
        client.create()
        client.insert()
        limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        open_files = len(os.listdir(f"/proc/{server.process.pid}/fd"))
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (open_files, limits[1]))
        with pytest.raises(psycopg.errors.InsufficientResources, match="Too many open files"):
            client.connection.execute("CHECKPOINT")
        # Neither a commit nor a search opens a file.
        client.insert()
        client.check()
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
        client.connection.execute("CHECKPOINT")
        client.insert()
        client.check()
        assert not any("Traceback" in line for line in server.log), "".join(server.log)
        server.kill()
        server = ServerProcess(tmp_path / "data")
        client.reconnect(server)
        client.check()
        assert server.stop() == 0
    finally:
        client.connection.close()
        if server.process.poll() is None:
            server.kill()
