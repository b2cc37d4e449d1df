"""The generated households of the demonstration round: names, ages, families, scores. No real person."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["RESIDENT_HOUSEHOLDS", "VILLAGES", "Dice", "Household", "Person", "Scores", "build_households"]

Class = Literal["poor", "near_poor", "none"]
Sex = Literal["nam", "nữ"]
T = TypeVar("T")

SEED = "510/KH-UBND 26/9/2022"
REVIEW_YEAR = 2022
VILLAGES = tuple(range(1, 11))
RESIDENT_HOUSEHOLDS = {1: 212, 2: 187, 3: 165, 4: 240, 5: 198, 6: 154, 7: 176, 8: 221, 9: 143, 10: 209}


class Group(NamedTuple):
    """So many households and persons who share a class before the round and one after it."""

    before: Class
    after: Class | None  # None: leaves the round before a class is settled
    households: int
    persons: int
    requested: bool = False  # asked with Mẫu 01; otherwise on the list the commune manages
    signs: tuple[int, int] = (0, 3)  # Phiếu A, lowest and highest


# Real totals (notice 566/TB-UBND): poor 87/181, near-poor 77/268, out of poverty 17/40, out of near-poverty 73/266.
# How the households of each total came there is generated; docs/input-files.md shows the sums.
GROUPS = (
    Group("poor", "poor", 79, 158),
    Group("poor", "near_poor", 11, 27),
    Group("poor", "none", 6, 13),
    Group("near_poor", "poor", 3, 9),
    Group("near_poor", "near_poor", 60, 217),
    Group("near_poor", "none", 73, 266),
    Group("near_poor", None, 1, 3),  # moves away
    Group("none", "poor", 5, 14, requested=True),
    Group("none", "near_poor", 6, 24, requested=True),
    Group("none", "none", 14, 47, requested=True),
    Group("none", None, 9, 33, requested=True, signs=(4, 8)),  # screened out by Phiếu A
)

SURNAMES = "Nguyễn Nguyễn Nguyễn Trần Trần Lê Phạm Hoàng Phan Võ Đặng Bùi Hồ Dương Đậu Hà Trương Lưu"
MIDDLES: dict[Sex, str] = {
    "nam": "Văn Đình Xuân Hữu Quốc Đức Viết Trọng Minh Công",
    "nữ": "Thị Thị Thị Ngọc Thu Hoài Thanh Phương",
}
GIVEN: dict[Sex, str] = {
    "nam": "An Bảy Chiến Dũng Đông Giáp Hải Hòa Khánh Lộc Nghĩa Phúc Quyền Sơn Tám Thuận Toản Tuấn Vinh Kỳ",
    "nữ": "Bình Châu Diệu Duyên Hạnh Hòe Hương Lành Liên Mận Nga Nhàn Oanh Quý Sáu Thảo Thủy Tình Tuyết Yến",
}
CAUSES = ("thiếu đất sản xuất", "thiếu vốn", "thiếu lao động", "ốm đau, tai nạn", "thiếu kỹ năng lao động", "khác")
POOR_LINE_B1 = 140
POOR_LINE_B2 = 30


@dataclass(frozen=True, slots=True)
class Person:
    """One member as the list writes it: `born` is already the text of the cell, at its own precision."""

    name: str
    relation: str
    born: str
    sex: Sex
    identity: str


class Scores(NamedTuple):
    """B1 (income estimate) and B2 (deprivation) of one Phiếu B."""

    b1: int
    b2: int


@dataclass(slots=True)
class Household:
    """One household with all the round will need to know of it; the code is given after sorting by village."""

    village: int
    before: Class
    after: Class | None
    requested: bool
    signs: int
    members: list[Person]
    last_year: Scores
    scores: Scores
    first_scores: Scores | None = None  # what the first survey found, where a re-check changed it
    causes: str = ""
    flags: dict[str, bool] = field(default_factory=dict)
    code: str = ""


class Dice:
    """Draws from `random()` alone, the one method whose sequence Python promises to keep between releases."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)  # noqa: S311 -- sample data, not a secret
        self._serial = 0

    def below(self, top: int) -> int:
        """Return a whole number from 0 up to, not including, `top`."""
        return int(self._random.random() * top)

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def pick(self, things: Sequence[T]) -> T:
        """Return one of `things`."""
        return things[self.below(len(things))]

    def syllable(self, text: str) -> str:
        """Return one word of `text`."""
        return self.pick(text.split())

    def shuffled(self, things: Sequence[T]) -> list[T]:
        """Return `things` in a random order."""
        rest = list(things)
        return [rest.pop(self.below(len(rest))) for _ in range(len(rest))]

    def serial(self) -> int:
        """Return the next number of a counter: identity numbers must not repeat."""
        self._serial += 1
        return self._serial


def build_households() -> list[Household]:
    """Return every household of the round, sorted by village and code."""
    dice = Dice(SEED)
    households = [
        _household(dice, group, size) for group in GROUPS for size in _sizes(dice, group.households, group.persons)
    ]
    _spread(dice, households)
    _set_boundaries(households)
    _number(households)
    return sorted(households, key=lambda h: h.code)


def _sizes(dice: Dice, households: int, persons: int) -> list[int]:
    """Share out `persons` so that each household has one to seven."""
    sizes = [1] * households
    for _ in range(persons - households):
        room = [i for i, size in enumerate(sizes) if size < 7]
        sizes[dice.pick(room)] += 1
    return sizes


def _household(dice: Dice, group: Group, size: int) -> Household:
    before = _scores(dice, group.before)
    now = _scores(dice, group.after or "none")
    return Household(
        village=0,
        before=group.before,
        after=group.after,
        requested=group.requested,
        signs=dice.between(*group.signs),
        members=_family(dice, size),
        last_year=before,
        scores=now,
        causes=dice.pick(CAUSES) if group.before == "poor" else "",
        flags={
            "dtts": False,
            "unable_to_work": size <= 2 and dice.below(5) == 0,
            "merit": dice.below(20) == 0,
        },
    )


def _scores(dice: Dice, outcome: Class) -> Scores:
    if outcome == "poor":
        return Scores(5 * dice.between(13, 27), 10 * dice.between(3, 7))
    if outcome == "near_poor":
        return Scores(5 * dice.between(17, 28), 10 * dice.between(0, 2))
    return Scores(5 * dice.between(29, 46), 10 * dice.between(0, 4))


def _family(dice: Dice, size: int) -> list[Person]:
    sex: Sex = "nữ" if dice.below(100) < (65 if size == 1 else 35) else "nam"
    age = dice.between(62, 91) if size == 1 else dice.between(29, 68)
    surname = dice.syllable(SURNAMES)
    family = [_person(dice, surname, "chủ hộ", sex, age)]
    if size > 1 and dice.below(10) < 7:
        other: Sex = "nam" if sex == "nữ" else "nữ"
        spouse_age = max(22, age + dice.between(-6, 4))
        family.append(_person(dice, dice.syllable(SURNAMES), "chồng" if other == "nam" else "vợ", other, spouse_age))
    if size > len(family) and age < 58 and dice.below(4) == 0:
        family.append(_person(dice, dice.syllable(SURNAMES), "mẹ", "nữ", age + dice.between(20, 32)))
    if sex == "nữ" and family[1:] and family[1].relation == "chồng":
        surname = family[1].name.split()[0]
    while len(family) < size:
        child_age = max(0, age - dice.between(21, 36))
        family.append(_person(dice, surname, "con", dice.pick(("nam", "nữ")), child_age))
    return family


def _person(dice: Dice, surname: str, relation: str, sex: Sex, age: int) -> Person:
    year = REVIEW_YEAR - age - 1
    born = date(year, 1, 1) + timedelta(days=dice.below(365))
    name = f"{surname} {dice.syllable(MIDDLES[sex])} {dice.syllable(GIVEN[sex])}"
    return Person(name, relation, _written(dice, born, age), sex, _identity(dice, sex, born, age))


def _written(dice: Dice, born: date, age: int) -> str:
    """Old papers often know no more than the year, or the month."""
    draw = dice.below(10)
    if age > 70 and draw < 4:
        return str(born.year)
    if age > 60 and draw == 9:
        return f"{born.month:02d}/{born.year}"
    return f"{born:%d/%m/%Y}"


def _identity(dice: Dice, sex: Sex, born: date, age: int) -> str:
    """999 is no province's code, 000 no CMND series: these numbers belong to nobody."""
    serial = dice.serial()
    if age < 14:
        return ""
    if age > 75 and dice.below(4) == 0:
        return f"000{serial:06d}"
    century_and_sex = 2 * (born.year // 100 - 19) + (sex == "nữ")
    return f"999{century_and_sex}{born.year % 100:02d}{serial:06d}"


def _spread(dice: Dice, households: list[Household]) -> None:
    """Give each household a village, in proportion to the villages' sizes, then place the ones the story needs."""
    total = sum(RESIDENT_HOUSEHOLDS.values())
    seats: list[int] = []
    for village in VILLAGES:
        seats += [village] * max(1, RESIDENT_HOUSEHOLDS[village] * len(households) // total)
    seats += [VILLAGES[i % len(VILLAGES)] for i in range(len(households) - len(seats))]
    for household, village in zip(households, dice.shuffled(seats), strict=True):
        household.village = village
    _tell_story(households)


def _tell_story(households: list[Household]) -> None:
    """Place what the acts will need: one moves away from village 5, one is wronged in 2, village 7 surveys twice."""
    _first(households, "near_poor", None).village = 5
    wronged = _first(households, "near_poor", "poor")
    wronged.village, wronged.first_scores, wronged.scores = 2, Scores(120, 20), Scores(120, POOR_LINE_B2)
    misjudged = [h for h in households if h.village == 7 and h.after is not None]
    for household, first in zip(misjudged, (Scores(150, 30), Scores(135, 30)), strict=False):
        household.first_scores = first


def _first(households: list[Household], before: Class, after: Class | None) -> Household:
    return next(h for h in households if (h.before, h.after) == (before, after))


def _set_boundaries(households: list[Household]) -> None:
    """Let households stand exactly on the lines of the standard: 140 and 30 are inside (TT 07/2021)."""
    poor = [h for h in households if h.before == h.after == "poor"]
    near = [h for h in households if h.before == h.after == "near_poor"]
    above = [h for h in households if (h.before, h.after) == ("near_poor", "none")]
    poor[0].scores = Scores(POOR_LINE_B1, POOR_LINE_B2)
    poor[1].scores = Scores(POOR_LINE_B1, 120)
    near[0].scores = Scores(POOR_LINE_B1, POOR_LINE_B2 - 10)
    near[1].scores = Scores(POOR_LINE_B1, 0)
    above[0].scores = Scores(POOR_LINE_B1 + 1, POOR_LINE_B2)
    above[1].scores = Scores(POOR_LINE_B1 + 5, 0)


def _number(households: list[Household]) -> None:
    """Codes: commune, village, running number; households already managed come before those that ask."""
    for village in VILLAGES:
        here = [h for h in households if h.village == village]
        for number, household in enumerate(sorted(here, key=lambda h: h.requested), start=1):
            household.code = f"18766-{village:02d}-{number:03d}"
