"""One example for each command that has none in its description; shown at the end of its ``--help``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import typer

__all__ = ["EXAMPLES", "show_examples"]

_ORDER = "--on 2022-10-28 --document 41/QĐ-UBND --actor CT-XA --role commune_chair:42/446/18766"
_HOUSEHOLD = "--document 12/QĐ-UBND --actor CT-XA --role commune_chair:42/446/18766"

EXAMPLES: Mapping[str, str] = {
    "audit checkpoints": "--json",
    "audit prove": "18766-01-001 --out proof.zip",
    "audit public-key": "> signer.pub",
    "audit verifier": "--out verify.py",
    "calendar apply": "--db sqlite:///rasoat.db --dry-run",
    "calendar dates": "2025 --ical > ngay-co-dinh.ics",
    "calendar diff": "vn/2025-10-16 vn/2025-12-25",
    "calendar draft": "2028 > vn-2028.toml",
    "calendar import": "vn-2027.toml --releases-dir /etc/rasoat/calendars --dry-run --db sqlite:///rasoat.db",
    "calendar release": "vn/2025-12-25",
    "calendar show": "--year 2026",
    "db partition": "--db postgresql+psycopg://owner@db/rasoat",
    "db revision": "--db sqlite:///rasoat.db --json",
    "db upgrade": "--db postgresql+psycopg://owner@db/rasoat",
    "deadline cancel": f"1042 {_ORDER}",
    "deadline extend": f"1042 --by 2 {_ORDER}",
    "deadline met": f"1042 {_ORDER}",
    "deadline resume": f"1042 {_ORDER}",
    "deadline show": "1042 --proof",
    "deadline supersede": f"1042 --to 2022-12-20 {_ORDER}",
    "deadline suspend": f"1042 --reason bão {_ORDER}",
    "demo": "--out out/demo",
    "due": "2025-12-31 5 --print",
    "feed desk": "committee 42/446/18766 > ban-chi-dao.ics",
    "feed milestones": "quan-hoa-2020 > ke-hoach.ics",
    "household erase": "18766-01-001 --reason 'theo yêu cầu' --document 15/QĐ-UBND --actor CT-XA",
    "household find": "--identity 001122334455",
    "household head": f"18766-01-001 2 --member 1=bố {_HOUSEHOLD}",
    "household lineage": "18766-01-001",
    "household merge": f"18766-01-002 18766-01-001 {_HOUSEHOLD}",
    "household move": f"18766-01-001 42/446/18766/18766-02 {_HOUSEHOLD}",
    "household recode": f"42/446/18766 42/446/18767 {_HOUSEHOLD}",
    "household show": "18766-01-001 --purpose 'thẩm định' --actor BCD-XA",
    "household split": f"18766-01-001 18766-01-900 --member '3=chủ hộ' --member 4=con {_HOUSEHOLD}",
    "keys retire": "--keys file:/etc/rasoat/keys.json",
    "keys rotate": "--keys file:/etc/rasoat/keys.json",
    "keys show": "--keys file:/etc/rasoat/keys.json",
    "keys signer": "--keys file:/etc/rasoat/keys.json",
    "migrate apply": "2025-07-01.annual --actor CT-TINH",
    "migrate check": "2025-07-01.annual",
    "migrate dry-run": "2025-07-01.annual --json",
    "migrate list": "--json",
    "outbox discard": "9f2c41aa",
    "outbox dispatch": "--notify notify.toml",
    "outbox inbox": "CT-XA --unread",
    "outbox letter": "9f2c41aa",
    "outbox metrics": "--json",
    "outbox retention": "--older-than 365",
    "outbox retry": "9f2c41aa",
    "outbox show": "9f2c41aa",
    "plan check": "ke-hoach.toml",
    "plan latest": "--year 2025",
    "plan list": "--json",
    "plan show": "dien-bien-2022",
    "round left-out": "18766-2022",
    "round milestones": "18766-2022 dien-bien-2022",
    "token list": "--json",
    "token revoke": "3",
    "worker": "--db postgresql+psycopg://rasoat@db/rasoat --health /run/rasoat/health.json",
    "workflows check": "annual@2022",
    "workflows forms": "annual@2022",
    "workflows list": "--json",
    "workflows score": "scores.toml answers.csv",
    "workflows show": "annual@2025 --lang en",
}


def show_examples(app: typer.Typer, path: tuple[str, ...] = ()) -> None:
    """End the help of each command of `app` that is named here with its example."""
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__.replace("_", "-") if command.callback else "")
        words = " ".join((*path, name))
        if words in EXAMPLES:
            command.epilog = f"Example: rasoat {words} {EXAMPLES[words]}"
    for group in app.registered_groups:
        if group.typer_instance is not None:
            show_examples(group.typer_instance, (*path, group.name) if isinstance(group.name, str) else path)
