"""The command `quiver`: serve a data directory, check one, show a demonstration, ask whether a server answers, say the version.

Errors are one sentence on stderr and exit code 1 (`check`: 2); `--debug` before the command shows the traceback.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

import typer

from foundation.errors import QuiverError
from foundation.version import QUIVER_VERSION, SERVER_VERSION
from quiver.configuration import load_settings

app = typer.Typer(
    name="quiver",
    help="A vector database that speaks PostgreSQL.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


_CANNOT_CHECK = 2
"""Exit code of `quiver check`, apart from "damaged"."""


class _Options:
    """What stands before the command."""

    is_debug = False


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and debug messages.")] = False,
) -> None:
    _Options.is_debug = debug


@app.command(epilog="Example: quiver serve --data ./mydata --port 5433")
def serve(
    data: Annotated[Path, typer.Option(help="Data directory; created if missing.")] = Path("quiver-data"),
    host: Annotated[
        str | None,
        typer.Option(help="Addresses to listen on, separated by commas.", show_default="127.0.0.1"),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            help="TCP port; 0 picks a free one.", min=0, max=65535, show_default="5432", envvar="QUIVER_PORT"
        ),
    ] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file of settings.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="A setting, as name=value; may be repeated.")
    ] = None,
    socket_dir: Annotated[Path | None, typer.Option(help="Directory for a Unix socket.")] = None,
    ssl_cert: Annotated[Path | None, typer.Option(help="TLS certificate chain (PEM).")] = None,
    ssl_key: Annotated[Path | None, typer.Option(help="TLS private key (PEM).")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password of the superuser postgres.")
    ] = None,
) -> None:
    """Serve a data directory to PostgreSQL clients, in the foreground."""
    from quiver.serve import ServeOptions, serve_forever

    _set_up_logging()
    serve_forever(
        ServeOptions(
            data=data,
            host=host,
            port=port,
            settings=load_settings(config, assignments or ()),
            socket_dir=socket_dir,
            ssl_cert=ssl_cert,
            ssl_key=ssl_key,
            password_file=password_file,
        )
    )


@app.command(epilog="Example: quiver check ./mydata")
def check(
    data: Annotated[Path, typer.Argument(help="Data directory; no server may have it open.", metavar="DIR")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Verify every checksum, key, index and constraint of a data directory, without changing it.

    Exit code 0: no damage; 1: damage, listed with file and offset; 2: it could not be checked.
    """
    from quiver.check import run_check

    try:
        code = run_check(data, as_json=as_json)
    except QuiverError as error:
        if _Options.is_debug:
            raise
        _print_error(error)
        code = _CANNOT_CHECK
    raise typer.Exit(code)


@app.command(epilog="Example: quiver demo")
def demo() -> None:
    """Start a server on a temporary directory, load handwritten digits, search them with SQL, stop."""
    from quiver.demo import run_demo

    run_demo()


@app.command(epilog="Example: quiver ping --port 5433")
def ping(
    host: Annotated[str, typer.Option(help="Address of the server.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="TCP port.", min=1, max=65535, envvar="QUIVER_PORT")] = 5432,
) -> None:
    """Ask whether a server answers: exit code 0 when it does. No password is needed."""
    from quiver.ping import check_answering

    check_answering(host, port)
    typer.echo(f"{host}:{port} is accepting connections")


@app.command(epilog="Example: quiver version")
def version() -> None:
    """Print the version of Quiver and of the PostgreSQL it behaves like."""
    typer.echo(f"quiver {QUIVER_VERSION} (PostgreSQL {SERVER_VERSION})")


def _set_up_logging() -> None:
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if _Options.is_debug else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    # faiss reports which of its binaries it loads, once a process.
    logging.getLogger("faiss").setLevel(logging.WARNING)


def _print_error(error: QuiverError) -> None:
    typer.echo(f"quiver: {error.message}", err=True)
    if error.hint:
        typer.echo(f"quiver: {error.hint}", err=True)


def main() -> None:
    """Entry point of the console script."""
    try:
        app()
    except QuiverError as error:
        if _Options.is_debug:
            raise
        _print_error(error)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        # Before the server listens, or in the demonstration; the server itself stops in order.
        raise SystemExit(130) from None
