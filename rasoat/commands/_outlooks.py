"""How `rasoat plan latest` shows where villages stand: from a file of progress, or from a round's own cases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..foundation.messages import text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from ..foundation.messages import Language
    from ..workflows.plans.backward import Outlook
    from ..workflows.plans.outlooks import RoundOutlook

__all__ = ["outlook_line", "outlook_object", "round_lines", "round_object"]


def outlook_line(village: str, each: Outlook | None, today: date, language: Language) -> str:
    """Return one village's line."""
    if each is None:
        return text("plan.latest.made", village=village).within(language)
    said = text(
        f"plan.latest.{each.standing(today)}",
        village=village,
        step=each.step.label.within(language),
        safe=f"{each.safe:%d/%m/%Y}",
        possible=f"{each.possible:%d/%m/%Y}",
        certain=f"{each.impossible_from:%d/%m/%Y}",
    )
    return said.within(language)


def outlook_object(village: str, each: Outlook | None, today: date) -> dict[str, Any]:
    """Return one village as JSON output shows it."""
    if each is None:
        return {"village": village, "standing": "made"}
    return {
        "village": village,
        "standing": each.standing(today),
        "step": each.step.key,
        "safe": each.safe,
        "possible": each.possible,
        "impossible_from": each.impossible_from,
    }


def round_lines(found: RoundOutlook, today: date, language: Language) -> Iterable[str]:
    """Return a round's lines: the date it is held against, then its villages."""
    standing = "lost" if found.lost(today) else "open"
    said = text(
        f"plan.latest.round_{standing}",
        round=found.round.code,
        what=found.label.within(language),
        end=f"{found.end:%d/%m/%Y}",
        certain=f"{found.impossible_on:%d/%m/%Y}" if found.impossible_on else "–",
    )
    yield said.within(language)
    for village in found.villages:
        yield f"  {outlook_line(village.unit_path, village.outlook, today, language)}"


def round_object(found: RoundOutlook, today: date) -> dict[str, Any]:
    """Return a round against one of its dates as JSON output shows it."""
    return {
        "round": found.round.code,
        "plan": found.round.plan,
        "deadline": found.deadline.rule,
        "end": found.end,
        "as_of": today,
        "round_impossible_on": found.impossible_on,
        "lost": bool(found.lost(today)),
        "villages": [
            {**outlook_object(v.unit_path, v.outlook, today), "cases": v.cases, "done": dict(v.done)}
            for v in found.villages
        ],
    }
