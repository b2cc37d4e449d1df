"""The acts of the demonstration round: what was surveyed, met over, posted, complained of and decided, and when.

Every date is a working day of 2022 (no public holiday falls between 05/9 and 31/12).
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from cam_due_people import RESIDENT_HOUSEHOLDS, VILLAGES, Household, Scores

__all__ = [
    "CLOSED_ON",
    "LISTED_ON",
    "actors",
    "changes",
    "complaints",
    "documents",
    "meetings",
    "notice",
    "postings",
    "requested_on",
    "screenings",
    "surveys",
    "units",
    "village_code",
]

Row = list[str]
PROVINCE, DISTRICT, COMMUNE = "42", "446", "18766"
LISTED_ON = date(2022, 9, 27)
CLOSED_ON = date(2022, 9, 30)
LIMIT_OF_SIGNS = 4
UPHELD = "đúng"
RECHECK = "phúc tra"


class Meeting(NamedTuple):
    """One village meeting: day, persons attending, persons in favour."""

    day: int
    attending: int
    in_favour: int


class Course(NamedTuple):
    """A village's round in October 2022: first and last survey day of each survey, the meetings, the posting."""

    surveys: tuple[tuple[int, int], ...]
    meetings: tuple[Meeting, ...]
    posted: int
    notice: str


COURSES = {
    1: Course(((3, 4),), (Meeting(6, 74, 69),), 7, "531/TB-UBND"),
    2: Course(((3, 4),), (Meeting(6, 66, 51),), 7, "532/TB-UBND"),
    3: Course(((4, 5),), (Meeting(6, 58, 49),), 7, "533/TB-UBND"),
    4: Course(((6, 7),), (Meeting(12, 84, 42),), 14, "545/TB-UBND"),  # exactly one half: enough
    5: Course(((10, 11),), (Meeting(13, 71, 60),), 17, "549/TB-UBND"),
    6: Course(((10, 12),), (Meeting(14, 53, 50),), 17, "550/TB-UBND"),
    7: Course(((10, 11), (14, 18)), (Meeting(13, 63, 31), Meeting(20, 68, 55)), 24, "566/TB-UBND"),  # 31 of 63: too few
    8: Course(((12, 14),), (Meeting(18, 80, 63),), 24, "566/TB-UBND"),
    9: Course(((13, 17),), (Meeting(19, 51, 44),), 24, "566/TB-UBND"),
    10: Course(((17, 18),), (Meeting(20, 77, 70),), 24, "566/TB-UBND"),
}


class ReCheck(NamedTuple):
    """A complaint inside the posting period and the re-check (phúc tra) it set off; days of October 2022."""

    village: int
    received: int
    entered: int
    summary: str
    outcome: str
    survey: int
    meeting: Meeting
    reposted: int
    notice: str


RECHECKS = (
    ReCheck(2, 10, 12, "PA-01", UPHELD, 12, Meeting(17, 61, 52), 18, "552/TB-UBND"),
    ReCheck(3, 12, 12, "PA-02", "không đúng", 17, Meeting(20, 55, 47), 21, "560/TB-UBND"),
)


def units() -> list[Row]:
    """Return the tree of units; the codes are samples."""
    rows = [
        [PROVINCE, "Tỉnh Hà Tĩnh", "tỉnh", "", "", "", ""],
        [DISTRICT, "Huyện Cẩm Xuyên", "huyện", PROVINCE, "", "", "mã mẫu"],
        [COMMUNE, "Xã Cẩm Duệ", "xã", DISTRICT, "nông thôn", str(sum(RESIDENT_HOUSEHOLDS.values())), "mã mẫu"],
    ]
    return rows + [
        [village_code(v), f"Thôn {v}", "thôn", COMMUNE, "nông thôn", str(RESIDENT_HOUSEHOLDS[v]), "tên và mã mẫu"]
        for v in VILLAGES
    ]


def actors() -> list[Row]:
    """Return the role holders, by code alone."""
    rows = [
        ["CT-XA", "Chủ tịch UBND xã", COMMUNE],
        ["BCD-XA", "Ban Chỉ đạo rà soát cấp xã", COMMUNE],
        ["CC-GN", "Công chức giảm nghèo cấp xã", COMMUNE],
        ["MTTQ-XA", "Mặt trận Tổ quốc cấp xã", COMMUNE],
        ["CT-HUYEN", "Chủ tịch UBND cấp huyện", DISTRICT],
        ["BCD-HUYEN", "Ban Chỉ đạo cấp huyện", DISTRICT],
        ["BCD-TINH", "Ban Chỉ đạo cấp tỉnh", PROVINCE],
    ]
    for v in VILLAGES:
        rows.append([f"TT-{v:02d}", "Trưởng thôn", village_code(v)])
        rows.append([f"RSV-{v:02d}", "Rà soát viên", COMMUNE])
    return rows


def village_code(village: int) -> str:
    """Return the sample code of a village."""
    return f"{COMMUNE}-{village:02d}"


def screenings(households: list[Household]) -> list[Row]:
    """Return Phiếu A of each household that asked: the number of signs, and the written reply where it stays out."""
    rows = []
    for i, household in enumerate(h for h in households if h.requested):
        out = household.signs >= LIMIT_OF_SIGNS
        why = f"Có {household.signs:02d} chỉ tiêu từ cột 01 đến cột 09 của Phiếu A (từ 04 trở lên)"
        reply = [f"{501 + i}/UBND-RS", why] if out else ["", ""]
        place = [household.code, _on(9, 28 + i % 3), str(household.signs), f"RSV-{household.village:02d}"]
        rows.append([*place, *reply])
    return rows


def requested_on(household: Household) -> date:
    """Return the day of the household's Mẫu 01: September, before the screenings."""
    return date(2022, 9, (5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 26)[int(household.code[-3:]) % 16])


def surveys(households: list[Household]) -> list[Row]:
    """Return each Phiếu B: the survey, the survey again after a meeting under one half, the re-check."""
    rows = []
    for household in _listed(households):
        course = COURSES[household.village]
        for number, span in enumerate(course.surveys, start=1):
            first = number == 1 and household.first_scores
            kind = "khảo sát" if number == 1 else "khảo sát lại"
            rows.append(_survey(household, number, _within(span, household), first or household.scores, kind))
    for recheck in RECHECKS:
        household = _complaining(households, recheck)
        rows.append(_survey(household, 2, recheck.survey, household.scores, RECHECK))
    return rows


def meetings(households: list[Household]) -> list[Row]:
    """Return the minutes (Phụ lục V): whole villages first, then the re-checks, which name their household."""
    rows = []
    for village, course in COURSES.items():
        listed = sum(h.village == village for h in _listed(households))
        for number, meeting in enumerate(course.meetings, start=1):
            rows.append(_minutes(village, number, meeting, listed - number, listed, ""))
    for recheck in RECHECKS:
        number = len(COURSES[recheck.village].meetings) + 1
        code = _complaining(households, recheck).code
        rows.append(_minutes(recheck.village, number, recheck.meeting, 1, 1, code))
    return rows


def postings(households: list[Household]) -> list[Row]:
    """Return each posting at both places, the re-postings with their household."""
    rows = [
        [f"NY-{v:02d}-1", village_code(v), "", _on(10, c.posted), "có", "có", "có", "niêm yết", c.notice]
        for v, c in COURSES.items()
    ]
    for r in RECHECKS:
        code = _complaining(households, r).code
        at = [f"NY-{r.village:02d}-2", village_code(r.village), code, _on(10, r.reposted)]
        rows.append([*at, "có", "có", "không", "niêm yết lại", r.notice])
    return rows


def complaints(households: list[Household]) -> list[Row]:
    """Return the complaints: two while a list was posted, one after."""
    rows = [
        [
            f"KN-{i:02d}",
            _complaining(households, r).code,
            _on(10, r.received),
            _on(10, r.entered),
            r.summary,
            r.outcome,
        ]
        for i, r in enumerate(RECHECKS, start=1)
    ]
    late = next(h for h in _listed(households) if h.village == 8 and h.after == "near_poor")
    return [*rows, ["KN-03", late.code, _on(11, 1), _on(11, 1), "PA-03", "ngoài thời gian niêm yết"]]


def changes(households: list[Household]) -> list[Row]:
    """Return what befell households outside the procedure: one moved away before its survey."""
    moved = next(h for h in households if h.after is None and not h.requested)
    return [[moved.code, "chuyển đi", _on(10, 7), "Cả hộ chuyển đi khỏi địa bàn xã"]]


def documents() -> list[Row]:
    """Return the papers of the commune and the district. Only 2672, 510 and 566 bear real numbers."""
    return [
        ["VB-01", "kế hoạch", "2672/KH-UBND", _on(9, 15), DISTRICT, "CT-HUYEN", "Kế hoạch rà soát năm 2022 của huyện"],
        ["VB-02", "kế hoạch", "510/KH-UBND", _on(9, 26), COMMUNE, "CT-XA", "Kế hoạch rà soát năm 2022 của xã"],
        ["VB-03", "thông báo kết quả", "566/TB-UBND", _on(10, 24), COMMUNE, "CT-XA", "Thông báo kết quả rà soát"],
        ["VB-04", "tổng hợp", "01/TH-BCĐ", _on(10, 28), COMMUNE, "BCD-XA", "Tổng hợp danh sách (Phụ lục VI)"],
        ["VB-05", "báo cáo", "178/BC-UBND", _on(10, 28), COMMUNE, "CT-XA", "Báo cáo kết quả, xin ý kiến"],
        ["VB-06", "tiếp nhận báo cáo", "", _on(10, 31), DISTRICT, "CT-HUYEN", "Huyện tiếp nhận báo cáo của xã"],
        ["VB-07", "ý kiến", "1986/UBND-LĐTBXH", _on(11, 9), DISTRICT, "CT-HUYEN", "Ý kiến về kết quả rà soát"],
        ["VB-08", "quyết định công nhận", "612/QĐ-UBND", _on(11, 11), COMMUNE, "CT-XA", "Công nhận danh sách (Mẫu 02)"],
    ]


def notice() -> list[Row]:
    """Return the figures that notice 566/TB-UBND made public."""
    number, posted = "566/TB-UBND", _on(10, 24)
    return [
        [number, posted, "hộ nghèo", "87", "181"],
        [number, posted, "hộ cận nghèo", "77", "268"],
        [number, posted, "hộ thoát nghèo", "17", "40"],
        [number, posted, "hộ thoát cận nghèo", "73", "266"],
    ]


def _listed(households: list[Household]) -> list[Household]:
    """Return the households that are surveyed: screened in, and still living in the commune."""
    return [h for h in households if h.after is not None]


def _complaining(households: list[Household], recheck: ReCheck) -> Household:
    here = [h for h in _listed(households) if h.village == recheck.village]
    if recheck.outcome == UPHELD:
        return next(h for h in here if h.first_scores)
    return next(h for h in here if h.before == h.after == "near_poor")


def _within(span: tuple[int, int], household: Household) -> int:
    """Return a working day of October inside `span`, by the household's running number."""
    days = [d for d in range(span[0], span[1] + 1) if date(2022, 10, d).isoweekday() <= 5]
    return days[int(household.code[-3:]) % len(days)]


def _survey(household: Household, number: int, day: int, scores: Scores, kind: str) -> Row:
    surveyor = household.village + (5 if kind == RECHECK else 0)  # nobody re-checks a household they surveyed
    respondent = "thành viên am hiểu" if int(household.code[-3:]) % 6 == 0 else "chủ hộ"
    place = [f"PB-{household.code[6:]}-{number}", household.code, str(number), _on(10, day), "nông thôn"]
    return [*place, str(scores.b1), str(scores.b2), f"RSV-{surveyor:02d}", respondent, kind]


def _minutes(village: int, number: int, meeting: Meeting, represented: int, listed: int, household: str) -> Row:
    counts = [meeting.attending, meeting.in_favour, represented, listed]
    place = [f"BB-{village:02d}-{number}", village_code(village), str(number), _on(10, meeting.day)]
    return [*place, *map(str, counts), f"TT-{village:02d}", "có", "có", "có", "2", household]


def _on(month: int, day: int) -> str:
    return f"{date(2022, month, day):%d/%m/%Y}"
