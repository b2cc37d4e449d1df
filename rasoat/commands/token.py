"""`rasoat token …`: service tokens of programs that use the HTTP API."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
from ._common import Db, Json, Keys, opened, print_json
from ._mandates import mandate
from ._speaking import spoken

if TYPE_CHECKING:
    from datetime import datetime

    from ..persistence.tokens import ServiceToken

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Service tokens: random, kept as hashes, expiring.")


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who acts by the token: the actor's key in every event.")],
    *,
    scope: Annotated[list[str], typer.Option("--scope", help="read, act or admin; may be repeated.")],
    role: Annotated[
        list[str] | None,
        typer.Option("--role", help="ROLE:UNIT_PATH[:FROM[:TO]] held; may be repeated. Days as 2022-09-26."),
    ] = None,
    acts_for: Annotated[
        list[str] | None, typer.Option("--acts-for", help="Staff key on whose behalf it may act; '*': anybody's.")
    ] = None,
    days: Annotated[int, typer.Option("--days", min=1, max=3660, help="How many days it is good for.")] = 90,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Create a token. Its secret is shown this once and kept nowhere.

    Example: rasoat token create he-thong-xa --scope read --scope act --role committee:42/446/18766 --acts-for '*'
    """
    mandates = [mandate(typed) for typed in role or []]
    with opened(db, keys, as_json=as_json) as engine:
        from ..persistence import tokens

        now = engine.clock.now()
        asked = tokens.NewToken(name, scope, mandates, acts_for or [], now + timedelta(days=days))
        with engine.transaction() as tx:
            made, written = tokens.create(tx, engine.ids.take(1)[0], asked, now)
    if as_json:
        print_json({**_object(made, now), "token": written})
    else:
        typer.echo(written)
        typer.echo(f"{made.id}: {made.name}, {', '.join(made.scopes)}, {made.expires_at:%Y-%m-%d}", err=True)


@app.command("list")
def list_(db: Db = DATABASE_URL, keys: Keys = None, *, as_json: Json = False) -> None:
    """List every token: whose it is, what it opens, until when. Secrets are not known here."""
    with opened(db, keys, as_json=as_json) as engine:
        from ..persistence import tokens

        now = engine.clock.now()
        with engine.database.read() as tx:
            found = tokens.tokens(tx)
    if as_json:
        print_json([_object(token, now) for token in found])
        return
    for token in found:
        held = ", ".join(f"{h.role}:{h.unit_path}" for h in token.holdings) or "–"
        typer.echo(
            f"{token.id}  {token.name}  {_told(_status(token, now))}  {token.expires_at:%d/%m/%Y}  "
            f"{'+'.join(token.scopes)}  {held}"
        )


@app.command()
def revoke(
    token_id: Annotated[int, typer.Argument(help="The token's number, as `rasoat token list` shows it.")],
    *,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Close a token for good, from the next request on."""
    with opened(db, keys, as_json=as_json) as engine:
        from ..persistence import tokens

        with engine.transaction() as tx:
            tokens.revoke(tx, token_id, engine.clock.now())
    if as_json:
        print_json({"id": str(token_id), "status": "revoked"})
    else:
        typer.echo(f"{token_id}: {_told('revoked')}")


def _status(token: ServiceToken, now: datetime) -> str:
    return "revoked" if token.revoked_at else "valid" if token.valid(now) else "expired"


def _told(status: str) -> str:
    from ..foundation.messages import text

    return text("telling.token", token=status).within(spoken())


def _object(token: ServiceToken, now: datetime) -> dict[str, Any]:
    return {
        "id": str(token.id),
        "name": token.name,
        "status": _status(token, now),
        "scopes": list(token.scopes),
        "roles": [
            {"role": h.role, "unit": h.unit_path, "valid_from": h.valid_from, "valid_to": h.valid_to}
            for h in token.holdings
        ],
        "acts_for": list(token.acts_for),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
    }
