"""Run the demonstration and show it: progress, the round by village, one household, one deadline, what was overdue."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from ..api import Rasoat
from ..commands.case import timeline
from ..deadlines.proof import prove
from ..foundation.clock import LEGAL_ZONE, FrozenClock
from ..foundation.errors import InputError, RasoatError
from ..foundation.ids import CountingIds
from ..foundation.messages import fault, text
from ..persistence.marking import is_trial, mark_trial
from .files import read_round, shipped
from .results import GROUPS, Figure, by_village, figures, write_lists
from .running import Played, middle_day, plan_of, play

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..api import CaseView
    from ..engine.queries import DueLine
    from ..foundation.messages import Language
    from .files import RoundFiles

__all__ = ["DATABASE", "Report", "run"]

DATABASE = "demo.db"
"""The demonstration's own file: never the name a commune's own database has by default."""

KEYS = "development-anywhere"


@dataclass(frozen=True, slots=True)
class Report:
    """What the demonstration did and where it left it."""

    played: Played
    figures: tuple[Figure, ...]
    database: str
    lists: tuple[Path, ...]

    @property
    def agrees(self) -> bool:
        """Whether every figure of the notice came out, and no act of the files was refused."""
        return all(figure.agrees for figure in self.figures) and not self.played.refused


def run(out: Path, data: Path | None, db: str | None, tongue: Language, *, quiet: bool = False) -> Report:
    """Run the round of `data` (default: the shipped one) on a new database in `out`, showing it unless `quiet`."""
    console = Console(quiet=quiet)
    files = read_round(data or shipped())
    _make_folder(out)
    url = db or f"sqlite:///{_fresh(out / DATABASE)}"
    _, begins = plan_of(files)
    clock = FrozenClock(datetime(begins.year, begins.month, begins.day, tzinfo=LEGAL_ZONE))
    engine = Rasoat.open(url, clock=clock, ids=CountingIds(), keys=KEYS)
    try:
        with engine.transaction() as tx:
            mark_trial(tx)
        console.print(text("demo.title", folder=files.folder.name, households=len(files.listed)).within(tongue))
        played = _play(console, engine, clock, files, tongue)
        found = tuple(figures(engine, played.round.code, files))
        lists = write_lists(engine, played.round.code, files, out)
        _Show(console, engine, files, played, tongue).everything(found)
    finally:
        engine.close()
    report = Report(played, found, url, lists)
    _closing(console, report, tongue)
    return report


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise fault(InputError, "demo.no_folder", path=out, reason=error.strerror) from error


def _fresh(path: Path) -> Path:
    """Make way for a new run: an earlier demonstration's database goes, and nothing else ever does."""
    if not path.exists():
        return path
    if not _is_ours(path):
        raise fault(InputError, "demo.not_ours", path=path)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return path


def _is_ours(path: Path) -> bool:
    """Whether the file is a database for trials, sealed with the keys that everyone knows."""
    try:
        engine = Rasoat.open(f"sqlite:///{path}", keys=KEYS, create=False)
    except RasoatError:
        return False
    try:
        with engine.queries.read() as tx:
            return is_trial(tx)
    except RasoatError:
        return False
    finally:
        engine.close()


def _play(console: Console, engine: Rasoat, clock: FrozenClock, files: RoundFiles, tongue: Language) -> Played:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=console.quiet) as progress:
        bar = progress.add_task(text("demo.progress").within(tongue), total=None)
        return play(engine, clock, files, _tell(progress, bar, clock))


def _tell(progress: Progress, bar: object, clock: FrozenClock) -> Callable[[int, int, str], None]:
    def tell(done: int, total: int, trigger: str) -> None:
        day = f"{clock.now().astimezone(LEGAL_ZONE):%d/%m/%Y}"
        progress.update(bar, completed=done, total=total, description=f"{day} {trigger:<14}")  # type: ignore[arg-type]  # rich's own id

    return tell


class _Show:
    """The demonstration's tables."""

    def __init__(
        self, console: Console, engine: Rasoat, files: RoundFiles, played: Played, tongue: Language
    ) -> None:  # fmt: skip
        self.console = console
        self.engine = engine
        self.files = files
        self.played = played
        self.tongue: Language = tongue

    def everything(self, found: tuple[Figure, ...]) -> None:
        """Show the round by village, a household with a complaint, a deadline's proof, a day's overdue, the figures."""
        if self.console.quiet:
            return
        self.console.print(self._by_village())
        complained = self.files.complaints[0].household
        view = self.engine.case(complained)
        self.console.print(self._say("demo.household", code=complained, certificate=view.certificate or "–"))
        self.console.print(timeline(view, self.tongue))
        self._proof(view)
        self._overdue()
        self.console.print(self._figures(found))

    def _say(self, message: str, /, **fields: object) -> str:
        return text(message, **fields).within(self.tongue)

    def _by_village(self) -> Table:
        table = Table(title=self._say("demo.by_village"))
        for key in ("village", "forward", *GROUPS):
            table.add_column(self._say(f"demo.{key}"), justify="left" if key == "village" else "right")
        names = {u.path: u.name for u in self.engine.units()}
        for path, counts in by_village(self.engine, self.played.round.code).items():
            table.add_row(names[path], str(counts.total()), *(str(counts[key] or "") for key in GROUPS))
        return table

    def _proof(self, view: CaseView) -> None:
        deadline = next(d for d in view.deadlines if d.rule == "recheck")
        rule = view.workflow.deadline(deadline.rule)
        if rule.term is None:
            return
        calendar = self.engine.calendar_for(deadline.started_on, view.case.unit_path)
        self.console.print(self._say("demo.proof", label=rule.label.within(self.tongue), article=rule.article))
        self.console.print(prove(rule.term, deadline.started_on, calendar).render(self.tongue), highlight=False)

    def _overdue(self) -> None:
        day = middle_day(self.files)
        table = Table(title=self._say("demo.overdue", day=f"{day:%d/%m/%Y}"))
        for key in ("term", "desk", "last_day", "villages", "count", "days"):
            table.add_column(self._say(f"demo.{key}"))
        names = {u.path: u.name for u in self.engine.units()}
        for desk, lines in _by_desk(self.engine.overdue(as_of=day)).items():
            workflow = self.engine.library.workflow(desk.workflow)
            who = f"{workflow.roles[desk.owner_role].label.within(self.tongue)}, {names[desk.owner_path]}"
            label = workflow.deadline(desk.rule).label.within(self.tongue)
            households = sum(line.count for line in lines)
            table.add_row(label, who, f"{desk.due_on:%d/%m/%Y}", str(len(lines)), str(households), str(desk.days))
        self.console.print(table)

    def _figures(self, found: tuple[Figure, ...]) -> Table:
        table = Table(title=self._say("demo.figures", notice=self.files.notices[0].number))
        for key in ("demo.group", "demo.notice_figure", "demo.round_figure", "demo.same"):
            table.add_column(self._say(key))
        for f in found:
            group = self._say(f"demo.group_{f.group}")
            same = "[green]✓[/]" if f.agrees else "[red]✗[/]"
            table.add_row(group, f"{f.notice_households} / {f.notice_persons}", f"{f.households} / {f.persons}", same)
        return table


def _by_desk(lines: list[DueLine]) -> dict[DueLine, list[DueLine]]:
    """Gather villages that wait for the same desk, term and last day under one line."""
    desks: dict[DueLine, list[DueLine]] = {}
    for line in lines:
        desks.setdefault(replace(line, unit_path="", count=0), []).append(line)
    return desks


def _closing(console: Console, report: Report, tongue: Language) -> None:
    played = report.played
    fields = {"acts": played.acts, "moves": played.moves, "fired": played.fired, "breaches": played.breaches}
    console.print(text("demo.did", **fields).within(tongue))
    for refusal in played.refused[:5]:
        console.print(f"[red]{refusal.case_id}: {refusal.reason.within(tongue)}[/]")
    console.print(text("demo.database", url=report.database).within(tongue), highlight=False)
    for path in report.lists:
        console.print(text("demo.list", path=path).within(tongue), highlight=False)
