"""Household lists and act files (.xlsx, .csv) into plain values, each bad row with its place and what was expected."""

from __future__ import annotations

from .acts import (
    ACTORS,
    CHANGES,
    COMPLAINTS,
    DOCUMENTS,
    MEETINGS,
    NOTICES,
    POSTINGS,
    SCREENINGS,
    SURVEYS,
    ActKind,
    read_acts,
)
from .cells import PartialDate
from .faults import Parsed, RefusedRow, RowError, TableError
from .households import read_households
from .partial import write_refused
from .records import HouseholdRecord, MemberRecord
from .results import Place, ResultHousehold, write_result_lists
from .tables import Row, Table, read_table
from .units import read_units

__all__ = [
    "ACTORS",
    "CHANGES",
    "COMPLAINTS",
    "DOCUMENTS",
    "MEETINGS",
    "NOTICES",
    "POSTINGS",
    "SCREENINGS",
    "SURVEYS",
    "ActKind",
    "HouseholdRecord",
    "MemberRecord",
    "Parsed",
    "PartialDate",
    "Place",
    "RefusedRow",
    "ResultHousehold",
    "Row",
    "RowError",
    "Table",
    "TableError",
    "read_acts",
    "read_households",
    "read_table",
    "read_units",
    "write_refused",
    "write_result_lists",
]
