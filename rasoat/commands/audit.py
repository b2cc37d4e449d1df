"""`rasoat audit …`: is the record what it was; seal it; prove one household's part of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..foundation.defaults import DATABASE_URL
from ..foundation.messages import fault, located, text
from ._common import Db, Json, Keys, Lang, Now, language, opened, print_json
from ._progress import counting
from ._refusals import REFUSED, refusals
from ._speaking import wrong_usage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..foundation.messages import Language
    from ..persistence.audit import AnyFinding, Audit
    from ..persistence.checkpoints import SignedCheckpoint
    from ..persistence.database import Database, Tx
    from ..persistence.keys import KeyRing

__all__ = ["app", "verified"]

app = typer.Typer(no_args_is_help=True, help="The provable record: verify it, seal it, prove one household's part.")

_SHOWN = 100


@app.command()
def verify(
    *,
    case: Annotated[str | None, typer.Option("--case", help="A case id, or a household code.")] = None,
    round_: Annotated[str | None, typer.Option("--round", help="A round's code.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every case (the default).")] = False,
    against: Annotated[
        list[Path] | None,
        typer.Option("--against", exists=True, help="A checkpoint kept outside, or a folder of them; may be repeated."),
    ] = None,
    recent: Annotated[
        int | None, typer.Option("--recent", min=1, help="Recompute the roots of the last so many checkpoints only.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="Show at most so many findings; all are counted.")
    ] = _SHOWN,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Recompute every hash and say what was altered, taken out, moved, cut off or put in, and where.

    Exit code 0: the record is whole; 1: it is not.

    Example: rasoat audit verify --against /mnt/checkpoints
    """
    tongue = language(lang)
    if [case is not None, round_ is not None, everything].count(True) > 1:
        raise wrong_usage(code="usage.verify_one")
    with opened(db, keys, as_json=as_json) as engine, engine.database.read() as tx:
        from ..foundation.clock import SystemClock
        from ..persistence.audit import Audit
        from ..persistence.chain_rows import case_count

        round_id = None if round_ is None else _round_id(tx, round_)
        total = 1 if case is not None else case_count(tx, round_id)
        with counting(text("audit.progress").within(tongue), total, quiet=as_json) as progress:
            outside = _outside(against or [])
            ring = engine.keys.ring()
            audit = Audit(
                tx, ring.public_keys(), outside=outside, recent=recent, progress=progress, now=SystemClock().now()
            )
            found = _Found(limit, _findings(audit, tx, case, round_id))
    _report(audit, found, tongue, as_json=as_json)
    if found.count:
        raise typer.Exit(REFUSED)


def verified(database: Database, ring: KeyRing, tongue: Language, *, as_json: bool) -> dict[str, int]:
    """Verify a whole database that was just copied; say so, or say what is wrong and stop with exit code 1."""
    from ..persistence.audit import Audit
    from ..persistence.chain_rows import case_count

    title = text("audit.progress").within(tongue)
    with database.read() as tx, counting(title, case_count(tx), quiet=as_json) as progress:
        audit = Audit(tx, ring.public_keys(), progress=progress)
        found = _Found(_SHOWN, audit.everything())
    if found.count:
        _report(audit, found, tongue, as_json=as_json)
        raise typer.Exit(REFUSED)
    return {"cases": audit.cases, "events": audit.events, "checkpoints": audit.checkpoints}


@app.command()
def checkpoint(
    *,
    export: Annotated[Path | None, typer.Option("--export", help="Also write it to this folder.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Only if the last one is a day old.")] = False,
    now: Now = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Seal the heads of all cases under one signature. Keep what is exported where the database's keepers can't reach.

    Example: rasoat audit checkpoint --export /mnt/checkpoints
    """
    tongue = language(lang)
    with opened(db, keys, as_json=as_json, now=now) as engine:
        from ..persistence.checkpoint_rows import export_checkpoint, take, take_due_checkpoint

        if due:
            signed = take_due_checkpoint(engine.database, engine.clock, engine.keys)
        else:
            signed = take(engine.database, now=engine.clock.now(), key=engine.keys.ring().signer())
        path = export_checkpoint(signed, export) if signed is not None and export is not None else None
    if as_json:
        print_json({"checkpoint": signed and signed.members(), "file": path and str(path)})
    elif signed is None:
        typer.echo(text("audit.not_due").within(tongue))
    else:
        typer.echo(_line(signed, tongue))
        if path is not None:
            typer.echo(str(path))


@app.command()
def checkpoints(*, db: Db = DATABASE_URL, keys: Keys = None, lang: Lang = "vi", as_json: Json = False) -> None:
    """List the checkpoints, the last one last."""
    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine, engine.database.read() as tx:
        from ..persistence.checkpoint_rows import stored_checkpoints

        found = [row.signed for row in stored_checkpoints(tx)]
    if as_json:
        print_json([signed.members() for signed in found])
    else:
        for signed in found:
            typer.echo(_line(signed, tongue))


@app.command()
def prove(
    case: Annotated[str, typer.Argument(help="A case id, or a household code.")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The proof file to write.")],
    number: Annotated[int | None, typer.Option("--checkpoint", help="Under this checkpoint, not the last.")] = None,
    events: Annotated[bool, typer.Option("--events/--no-events", help="Whether the proof shows the events.")] = True,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    lang: Lang = "vi",
    as_json: Json = False,
) -> None:
    """Write the proof that a household's case was sealed; it shows nothing of any other household.

    Whoever holds it checks it with `rasoat audit verifier` and `rasoat audit public-key`, without this program.
    """
    tongue = language(lang)
    with opened(db, keys, as_json=as_json) as engine, engine.database.read() as tx:
        from ..persistence.checkpoint_rows import prove as proof_of

        proof = proof_of(tx, _case_id(tx, case), number=number, with_events=events)
        out.write_bytes(proof.to_json())
    sealed = {"case": str(proof.head.case_id), "events": proof.head.length}
    sealed |= {"checkpoint": proof.signed.checkpoint.number, "file": str(out)}
    if as_json:
        print_json(sealed)
    else:
        typer.echo(text("audit.proved", **sealed).within(tongue))


@app.command()
def verifier(
    *,
    out: Annotated[Path, typer.Option("--out", help="The file to write.")] = Path("rasoat_verify.py"),
    as_json: Json = False,
) -> None:
    """Write the verifier: one file that checks proofs with nothing but Python, for whoever holds one."""
    from importlib.resources import files

    with refusals(as_json=as_json):
        out.write_bytes((files("rasoat.persistence") / "rasoat_verify.py").read_bytes())
    if as_json:
        print_json({"file": str(out)})
    else:
        typer.echo(f"python {out} PROOF.json --key PUBLIC_KEY.pem")


@app.command("public-key")
def public_key(
    *,
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file.")] = None,
    key_id: Annotated[str | None, typer.Option("--id", help="An earlier signer's; default: who signs now.")] = None,
    db: Db = DATABASE_URL,
    keys: Keys = None,
    as_json: Json = False,
) -> None:
    """Show the public key that proofs are checked with. Publish it where everybody can find it, not beside a proof."""
    from ..foundation.errors import NotFoundError
    from ..opening import key_source
    from ..persistence.signing import public_key_pem

    with refusals(as_json=as_json):
        ring = key_source(keys, db).ring()
        wanted = key_id or ring.signer().id
        known = ring.public_keys()
        if wanted not in known:
            raise fault(NotFoundError, "usage.no_signer", signer=wanted, known=", ".join(sorted(known)))
        pem = public_key_pem(known[wanted])
        if out is not None:
            out.write_text(pem, encoding="ascii")
    if as_json:
        print_json({"key_id": wanted, "pem": pem})
    elif out is None:
        typer.echo(pem, nl=False)
    else:
        typer.echo(f"{out}: {wanted}")


class _Found:
    """The first findings to show, and how many there are."""

    def __init__(self, limit: int, findings: Iterator[AnyFinding]) -> None:
        self.count = 0
        self.shown: list[AnyFinding] = []
        for finding in findings:
            self.count += 1
            if self.count <= limit:
                self.shown.append(finding)


def _findings(audit: Audit, tx: Tx, case: str | None, round_id: int | None) -> Iterator[AnyFinding]:
    if case is not None:
        return audit.case(_case_id(tx, case))
    return audit.everything() if round_id is None else audit.round(round_id)


def _report(audit: Audit, found: _Found, tongue: Language, *, as_json: bool) -> None:
    counted = {"cases": audit.cases, "events": audit.events, "checkpoints": audit.checkpoints, "findings": found.count}
    if as_json:
        print_json(
            {
                "whole": not found.count,
                "trial": audit.trial,
                **counted,
                "shown": [_object(finding) for finding in found.shown],
            }
        )
        return
    for finding in found.shown:
        typer.echo(finding.text().within(tongue))
    if found.count > len(found.shown):
        typer.echo(text("audit.more", count=found.count - len(found.shown)).within(tongue))
    typer.echo(text("audit.broken" if found.count else "audit.whole", **counted).within(tongue))
    if audit.trial:
        typer.echo(text("opening.trial").within(tongue))


def _object(finding: AnyFinding) -> dict[str, Any]:
    said = finding.text()
    members = finding._asdict()
    if "case_id" in members:
        members["case_id"] = str(members["case_id"])
    return {**members, "text": {"vi": said.vi, "en": said.en}}


def _line(signed: SignedCheckpoint, tongue: Language) -> str:
    c = signed.checkpoint
    fields = {"number": c.number, "taken_at": c.taken_at, "cases": c.leaf_count, "key": c.key_id, "root": c.root.hex()}
    return text("audit.checkpoint_line", **fields).within(tongue)


def _outside(paths: Sequence[Path]) -> list[SignedCheckpoint]:
    from ..foundation.errors import InputError
    from ..persistence.checkpoints import checkpoint_from_json

    files = [file for path in paths for file in (sorted(path.glob("*.json")) if path.is_dir() else [path])]
    found = []
    for file in files:
        try:
            found.append(checkpoint_from_json(file.read_bytes()))
        except InputError as error:
            raise located(file, error, InputError) from None
    return found


def _round_id(tx: Tx, code: str) -> int:
    from ..foundation.errors import NotFoundError
    from ..persistence.rounds import round_by_code

    found = round_by_code(tx, code)
    if found is None:
        raise fault(NotFoundError, "found.no_round", code=code)
    return found.id


def _case_id(tx: Tx, reference: str) -> int:
    """Return the case meant; an id is taken as it is when its row is gone, since that is what an audit looks for."""
    from ..foundation.errors import NotFoundError
    from ..persistence.rounds import latest_case

    try:
        return latest_case(tx, reference)
    except NotFoundError:
        if not reference.isdecimal():
            raise
        return int(reference)
