"""`rasoat serve`: the HTTP API."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import Db, Keys, opened
from ._refusals import refusals
from ._speaking import wrong_usage

if TYPE_CHECKING:
    from ..web import WebSettings

__all__ = ["serve"]

_THREADS = 10  # no more than the database's connection pool holds


def serve(
    *,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8080,
    settings: Annotated[
        Path | None, typer.Option("--settings", exists=True, dir_okay=False, help="TOML: OIDC, roles, limits.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--tls-certificate", exists=True, dir_okay=False, help="PEM chain; with --tls-key.")
    ] = None,
    key: Annotated[Path | None, typer.Option("--tls-key", exists=True, dir_okay=False, help="PEM private key.")] = None,
    insecure_demo: Annotated[
        bool, typer.Option("--insecure-demo", help="Let everyone on this machine in as everybody: a local trial.")
    ] = False,
    db: Db = DATABASE_URL,
    read_db: Annotated[
        str | None, typer.Option("--read-db", help="URL of a PostgreSQL standby that answers questions.", metavar="URL")
    ] = None,
    keys: Keys = None,
) -> None:
    """Serve the HTTP API until told to stop. Nothing is open but the health checks; see `rasoat token create`.

    Examples:
      rasoat serve --db postgresql+psycopg://rasoat@db/rasoat --keys file:/etc/rasoat/keys.json --settings web.toml
      rasoat serve --insecure-demo
    """
    if (certificate is None) != (key is None):
        raise wrong_usage(code="usage.tls")
    with refusals(as_json=False):
        import uvicorn

        from ..serving import asgi

        wanted = _settings(settings, host, insecure_demo=insecure_demo)
    with opened(db, keys, as_json=False, read_url=read_db) as engine:
        uvicorn.run(
            asgi(engine, wanted),
            host=host,
            port=port,
            ssl_certfile=certificate,
            ssl_keyfile=key,
            # Addresses of requests hold household codes and purposes; the API's own log has neither.
            access_log=False,
            log_level="info",
            proxy_headers=False,
            server_header=False,
        )


def _settings(file: Path | None, host: str, *, insecure_demo: bool) -> WebSettings:
    from ..web import WebSettings
    from ..web.configuring import read_settings
    from ..web.gate import is_loopback

    if insecure_demo and not is_loopback(host):
        raise wrong_usage(code="usage.insecure", host=host)
    found = read_settings(file) if file else WebSettings()
    return replace(found, threads=found.threads or _THREADS, open_to_all=insecure_demo)
