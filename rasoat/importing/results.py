"""The lists of Phụ lục VI after a decision: who is poor or near-poor, who left poverty, who left near-poverty."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .terms import AREA, CLASS, SEX
from .writing import Page, write_csv, write_workbook

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from .faults import Cell
    from .records import HouseholdClass, HouseholdRecord, MemberRecord

__all__ = ["Place", "ResultHousehold", "write_result_lists"]

_RECOGNISED = (
    *("mã hộ", "chủ hộ", "thành viên", "quan hệ với chủ hộ", "ngày sinh", "giới tính", "CCCD"),
    *("tỉnh", "huyện", "mã huyện", "xã", "mã xã", "thôn", "mã thôn", "dân tộc", "khu vực", "phân loại hộ"),
    *("số QĐ công nhận", "ngày ban hành QĐ", "B1", "B2", "DTTS", "không có khả năng lao động"),
    *("thành viên có công", "nguyên nhân nghèo"),
)
_ESCAPED = (
    *("mã hộ", "chủ hộ", "thành viên", "quan hệ với chủ hộ", "giới tính", "ngày sinh", "CCCD", "dân tộc"),
    *("địa chỉ", "B1", "B2", "ghi chú"),
)
_NOW = {"near_poor": "trở thành hộ cận nghèo", "none": "vượt chuẩn cận nghèo"}


@dataclass(frozen=True, slots=True)
class Place:
    """The commune the lists are of; after 30/06/2025 there is no district."""

    province: str
    district: str
    district_code: str
    commune: str
    commune_code: str


@dataclass(frozen=True, slots=True)
class ResultHousehold:
    """A household with what the decision settled; `village` is the village's name."""

    household: HouseholdRecord
    village: str
    class_after: HouseholdClass
    b1: int
    b2: int
    decision_number: str
    decided_on: date


def write_result_lists(folder: Path | str, results: Iterable[ResultHousehold], place: Place) -> tuple[Path, ...]:
    """Write the three lists as sheets of one .xlsx and as a .csv each into `folder`; returns the files written.

    A household that went from poor to near-poor stands on two lists: it is near-poor now, and it left poverty.
    The first list is in the shape `read_households` takes: the managed list of the year after.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    results = list(results)
    lists = (
        ("ho-ngheo-can-ngheo", _page_recognised(results, place)),
        ("ho-thoat-ngheo", _page_escaped("Thoát nghèo", "HỘ THOÁT NGHÈO", _left_poverty(results), place)),
        ("ho-thoat-can-ngheo", _page_escaped("Thoát cận nghèo", "HỘ THOÁT CẬN NGHÈO", _left_near(results), place)),
    )
    workbook = folder / "phu-luc-VI.xlsx"
    write_workbook(workbook, (page for _, page in lists))
    for name, page in lists:
        write_csv(folder / f"{name}.csv", page.headings, page.rows)
    return (workbook, *(folder / f"{name}.csv" for name, _ in lists))


def _left_poverty(results: list[ResultHousehold]) -> list[ResultHousehold]:
    return [r for r in results if r.household.class_before == "poor" and r.class_after != "poor"]


def _left_near(results: list[ResultHousehold]) -> list[ResultHousehold]:
    """Return the households now above the standard; those that fell to poor did not leave (law: thoát cận nghèo)."""
    return [r for r in results if r.household.class_before == "near_poor" and r.class_after == "none"]


def _page_recognised(results: list[ResultHousehold], place: Place) -> Page:
    rows = [row for result in results if result.class_after != "none" for row in _recognised(result, place)]
    title = "DANH SÁCH HỘ NGHÈO, HỘ CẬN NGHÈO SAU KHI RÀ SOÁT"
    return Page("Hộ nghèo, hộ cận nghèo", title, _RECOGNISED, rows)


def _page_escaped(sheet: str, group: str, results: list[ResultHousehold], place: Place) -> Page:
    rows = [row for result in results for row in _escaped(result, place)]
    return Page(sheet, f"DANH SÁCH {group} SAU KHI RÀ SOÁT", _ESCAPED, rows)


def _recognised(result: ResultHousehold, place: Place) -> Iterator[list[Cell]]:
    household = result.household
    where = [place.province, place.district, place.district_code, place.commune, place.commune_code]
    for person in household.members:
        is_head = person is household.head
        yield [
            *_names(household, person),
            *(person.relation, _birth(person), SEX[person.sex][0], person.identity, *where),
            *(result.village, household.village, person.ethnicity),
            *(_judged(result) if is_head else [None] * 10),
        ]


def _judged(result: ResultHousehold) -> list[Cell]:
    household = result.household
    flags = (household.ethnic_minority, household.unable_to_work, household.merit)
    decided: tuple[Cell, ...] = (result.decision_number, result.decided_on, result.b1, result.b2)
    return [AREA[household.area][0], CLASS[result.class_after][0], *decided, *flags, household.causes]


def _escaped(result: ResultHousehold, place: Place) -> Iterator[list[Cell]]:
    household = result.household
    address = ", ".join(part for part in (result.village, place.commune, place.district, place.province) if part)
    for person in household.members:
        end = (result.b1, result.b2, _NOW[result.class_after]) if person is household.head else (None,) * 3
        birth = _birth(person)
        about = (person.relation, SEX[person.sex][0], birth, person.identity, person.ethnicity, address)
        yield [*_names(household, person), *about, *end]


def _names(household: HouseholdRecord, person: MemberRecord) -> tuple[Cell, Cell, Cell]:
    return (household.code, person.name, None) if person is household.head else (None, None, person.name)


def _birth(person: MemberRecord) -> Cell:
    """Return a whole date as a date, a month or a year as the text it is."""
    return person.birth.first if person.birth.precision == "day" else str(person.birth)
