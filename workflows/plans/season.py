"""A plan against the law's own dates: the season, recognition, the two reports to the ministry."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from ...foundation.messages import message
from .dates import DateExpression, vietnamese
from .findings import Finding, finding
from .law import CampaignLaw, known_years, law_of
from .model import Act, Plan
from .sequence import Phase, days_between, phases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["check_season"]

_DAY = timedelta(days=1)


def check_season(plan: Plan, read: Mapping[str, DateExpression]) -> Iterator[Finding]:
    """Yield where `plan` departs from the law of its year; for a year without known law, say only that."""
    law = law_of(plan.year)
    if law is None:
        yield finding("season.other_law", year=plan.year, known=known_years())
        return
    found = phases(plan, read)
    yield from _stated_season(plan, read, law)
    for phase in found:
        yield from _placed(phase, plan, law)
    yield from _recognition(found, plan, law)
    yield from _reports(found, plan, law)


def _stated_season(plan: Plan, read: Mapping[str, DateExpression], law: CampaignLaw) -> Iterator[Finding]:
    season = law.season(plan.year)
    for stone in plan.milestones:
        expression = read[stone.key]
        first, last = expression.meant_first, expression.meant_last
        if Act.SEASON in stone.acts() and first and last and (first, last) != season:
            yield finding(
                "season.differs",
                milestone=stone.key,
                article=law.articles[Act.SEASON],
                replacement=days_between(*season),
                days=days_between(first, last),
                season=days_between(*season),
            )


def _placed(phase: Phase, plan: Plan, law: CampaignLaw) -> Iterator[Finding]:
    opens, closes = law.season(plan.year)
    acts = phase.milestone.acts()
    if not opens <= phase.first <= phase.last <= closes and Act.RECOGNITION not in acts:
        bound = not acts.isdisjoint(law.bound)
        yield _outside(phase, opens, closes, law, bound=bound)
    if Act.REVIEW in acts and opens < phase.first <= closes:
        yield finding(
            "season.starts_late",
            milestone=phase.milestone.key,
            article=law.articles[Act.REVIEW],
            assumed=phase.assumed,
            day=vietnamese(phase.first),
            opens=vietnamese(opens),
            count=(phase.first - opens).days,
        )


def _outside(phase: Phase, opens: date, closes: date, law: CampaignLaw, *, bound: bool) -> Finding:
    first, last = max(phase.first, opens), min(phase.last, closes)
    return finding(
        "season.outside" if bound else "season.beyond",
        milestone=phase.milestone.key,
        article=law.articles[Act.SEASON],
        replacement=days_between(first, last) if bound and first <= last else None,
        assumed=phase.assumed,
        days=phase.days,
        season=days_between(opens, closes),
    )


def _recognition(found: tuple[Phase, ...], plan: Plan, law: CampaignLaw) -> Iterator[Finding]:
    recognising = _with_act(found, Act.RECOGNITION)
    article, closes = law.articles[Act.RECOGNITION], law.season(plan.year)[1]
    if not recognising and _with_act(found, Act.REVIEW):
        yield finding("recognition.undated", article=article, replacement=vietnamese(closes))
    for phase in recognising:
        key = phase.milestone.key
        if phase.last > closes:
            yield finding(
                "recognition.after_season",
                milestone=key,
                article=article,
                replacement=vietnamese(closes),
                assumed=phase.assumed,
                day=vietnamese(phase.last),
                closes=vietnamese(closes),
            )
        for approval in _with_act(found, Act.APPROVAL):
            if approval.last < phase.first:
                yield _after_approval(phase, approval, article)


def _after_approval(phase: Phase, approval: Phase, article: str) -> Finding:
    level = next(level for duty in approval.milestone.duties if duty.act is Act.APPROVAL for level in duty.levels)
    return finding(
        "recognition.after_approval",
        milestone=phase.milestone.key,
        article=article,
        assumed=phase.assumed or approval.assumed,
        approval=approval.title,
        level=message(f"plan.level.{level}"),
    )


def _reports(found: tuple[Phase, ...], plan: Plan, law: CampaignLaw) -> Iterator[Finding]:
    limits = (
        (Act.PRELIMINARY_REPORT, "report.preliminary_late", law.preliminary_before),
        (Act.OFFICIAL_REPORT, "report.official_late", law.official_before),
    )
    for act, code, month_day in limits:
        limit = law.day(month_day, plan.year)
        for phase in _with_act(found, act):
            if phase.last >= limit:
                yield _late(phase, code, limit, law.articles[act])
    for recognition in _with_act(found, Act.RECOGNITION):
        for report in _with_act(found, Act.OFFICIAL_REPORT):
            if report.last < recognition.first:
                yield finding(
                    "report.before_recognition",
                    milestone=report.milestone.key,
                    article=law.articles[Act.OFFICIAL_REPORT],
                    assumed=report.assumed or recognition.assumed,
                    report=report.title,
                    day=vietnamese(recognition.first),
                )


def _late(phase: Phase, code: str, limit: date, article: str) -> Finding:
    return finding(
        code,
        milestone=phase.milestone.key,
        article=article,
        replacement=vietnamese(limit - _DAY),
        assumed=phase.assumed,
        day=vietnamese(phase.last),
        limit=vietnamese(limit),
    )


def _with_act(found: tuple[Phase, ...], act: Act) -> list[Phase]:
    return [phase for phase in found if act in phase.milestone.acts()]
