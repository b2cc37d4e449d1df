"""The input files of a demonstration round, read through the importing room; any row error stops the demo."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .. import importing
from ..foundation.errors import InputError

if TYPE_CHECKING:
    from ..importing import HouseholdRecord, Parsed
    from ..importing.shapes import (
        ActorRow,
        ChangeRow,
        ComplaintRow,
        DocumentRow,
        MeetingRow,
        NoticeRow,
        PostingRow,
        ScreeningRow,
        SurveyRow,
    )
    from ..workflows.units import Units

__all__ = ["RoundFiles", "read_round", "shipped"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RoundFiles:
    """Everything the files say, as plain values."""

    folder: Path
    units: Units
    actors: tuple[ActorRow, ...]
    managed: tuple[HouseholdRecord, ...]
    listed: tuple[HouseholdRecord, ...]
    screenings: tuple[ScreeningRow, ...]
    surveys: tuple[SurveyRow, ...]
    meetings: tuple[MeetingRow, ...]
    postings: tuple[PostingRow, ...]
    complaints: tuple[ComplaintRow, ...]
    changes: tuple[ChangeRow, ...]
    documents: tuple[DocumentRow, ...]
    notices: tuple[NoticeRow, ...]


def shipped(name: str = "cam-due-2022") -> Path:
    """Return the folder of a round that ships with the package."""
    with as_file(files(__package__) / "data" / name) as folder:
        return Path(folder)


def read_round(folder: Path) -> RoundFiles:
    """Read a round's folder; `InputError` lists the first row errors by file, row and column."""
    units = importing.read_units(folder / "don-vi.csv")
    villages = {u.segment: u.name for u in units.versions() if u.level == "village"}
    listed = _sound(importing.read_households(folder / "phu-luc-I-2022.xlsx", villages=villages))
    codes = {
        "household": {h.code for h in listed},
        "village": set(villages),
        "unit": {u.segment for u in units.versions()},
    }

    def acts(name: str, kind: Any) -> Any:
        columns = {column.name for column in kind.columns.columns}
        return _sound(importing.read_acts(folder / name, kind, known={k: v for k, v in codes.items() if k in columns}))

    return RoundFiles(
        folder=folder,
        units=units,
        actors=acts("can-bo.csv", importing.ACTORS),
        managed=_sound(importing.read_households(folder / "danh-sach-dang-quan-ly-2021.xlsx", villages=villages)),
        listed=listed,
        screenings=acts("phieu-a.csv", importing.SCREENINGS),
        surveys=acts("phieu-b.csv", importing.SURVEYS),
        meetings=acts("hop-dan.csv", importing.MEETINGS),
        postings=acts("niem-yet.csv", importing.POSTINGS),
        complaints=acts("khieu-nai.csv", importing.COMPLAINTS),
        changes=acts("bien-dong.csv", importing.CHANGES),
        documents=acts("van-ban.csv", importing.DOCUMENTS),
        notices=acts("thong-bao-566.csv", importing.NOTICES),
    )


def _sound(parsed: Parsed[T]) -> tuple[T, ...]:
    if parsed.errors:
        shown = "; ".join(f"{e.file} row {e.row} {e.column}: {e.expected.en}" for e in parsed.errors[:5])
        msg = f"{len(parsed.errors)} row errors: {shown}"
        raise InputError(msg)
    return parsed.records
