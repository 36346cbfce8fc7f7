"""A real `quiver serve` process on a directory, for tests that kill it, restart it or look at it from outside."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

READY = "ready to accept connections on "
WAIT_SECONDS = 60


class ServerProcess:
    """Starts at construction and waits for the ready line; `log` collects what it says."""

    def __init__(self, directory: Path, options: Sequence[str] = ()) -> None:
        self.directory = directory
        command = [sys.executable, "-m", "quiver", "serve", "--data", str(directory), "--port", "0", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self.log: list[str] = []
        self.address = self._wait_until_ready()
        self._reader = threading.Thread(target=self._read_on, daemon=True)
        self._reader.start()

    @property
    def host(self) -> str:
        return self.address.rpartition(":")[0]

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    @property
    def dsn(self) -> str:
        return f"host={self.host} port={self.port} user=postgres dbname=postgres"

    def _wait_until_ready(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)
            if READY in line:
                return line.rpartition(READY)[2].strip()
        self.process.wait()
        self.process.stderr.close()
        raise AssertionError("".join(self.log))

    def _read_on(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)

    def kill(self) -> None:
        """kill -9: nothing is flushed, nothing is said."""
        self.process.kill()
        self._reap()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(timeout=WAIT_SECONDS)
        self._reader.join()
        if self.process.stderr is not None:
            self.process.stderr.close()
        return code

    def resident_bytes(self) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) * 1024


@contextmanager
def serving(directory: Path, options: Sequence[str] = ()) -> Iterator[ServerProcess]:
    """A server for the length of a block; its exit code must be 0."""
    server = ServerProcess(directory, options)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            code = server.stop()
            assert code == 0, "".join(server.log)
