"""The demonstration's input files: the public figures come out of them, and the story they promise is in them.

The classification here is written anew from SEED 3 §III.1.1, without the engine's own function.
"""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from rasoat.importing import (
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
    read_households,
    read_units,
)

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "rasoat" / "demo" / "data" / "cam-due-2022"
LISTS = ("danh-sach-dang-quan-ly-2021", "phu-luc-I-2022")
Row = dict[str, str]


def rows(name: str) -> list[Row]:
    with (DATA / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def on(text: str) -> date:
    return datetime.strptime(text, "%d/%m/%Y").date()  # noqa: DTZ007 -- a day has no zone


def working_days_after(start: date, count: int) -> date:
    """No public holiday falls between 05/9 and 31/12/2022: Monday to Friday is enough."""
    day = start
    while count:
        day += timedelta(days=1)
        count -= day.isoweekday() <= 5
    return day


def judged(survey: Row) -> str:
    assert survey["khu vực"] == "nông thôn"
    if int(survey["B1"]) > 140:
        return "hộ không nghèo"
    return "hộ nghèo" if int(survey["B2"]) >= 30 else "hộ cận nghèo"


@pytest.fixture(scope="module")
def before() -> dict[str, str]:
    return {r["mã hộ"]: r["phân loại hộ"] for r in rows("phu-luc-I-2022") if r["mã hộ"]}


@pytest.fixture(scope="module")
def persons() -> Counter[str]:
    counts: Counter[str] = Counter()
    household = ""
    for row in rows("phu-luc-I-2022"):
        household = row["mã hộ"] or household
        counts[household] += 1
    return counts


@pytest.fixture(scope="module")
def after() -> dict[str, str]:
    last: dict[str, Row] = {}
    for survey in rows("phieu-b"):
        known = last.get(survey["mã hộ"])
        if known is None or int(survey["lần"]) > int(known["lần"]):
            last[survey["mã hộ"]] = survey
    return {code: judged(survey) for code, survey in last.items()}


def test_the_figures_of_notice_566_come_out_of_the_files(
    before: dict[str, str], after: dict[str, str], persons: Counter[str]
) -> None:
    groups: dict[str, set[str]] = {
        "hộ nghèo": {h for h in after if after[h] == "hộ nghèo"},
        "hộ cận nghèo": {h for h in after if after[h] == "hộ cận nghèo"},
        "hộ thoát nghèo": {h for h in after if before[h] == "hộ nghèo" and after[h] != "hộ nghèo"},
        "hộ thoát cận nghèo": {h for h in after if before[h] == "hộ cận nghèo" and after[h] == "hộ không nghèo"},
    }
    figures = {group: (len(codes), sum(persons[h] for h in codes)) for group, codes in groups.items()}
    assert figures == {
        "hộ nghèo": (87, 181),
        "hộ cận nghèo": (77, 268),
        "hộ thoát nghèo": (17, 40),
        "hộ thoát cận nghèo": (73, 266),
    }
    assert figures == {r["nhóm"]: (int(r["số hộ"]), int(r["số khẩu"])) for r in rows("thong-bao-566")}


def test_every_change_of_class_occurs(before: dict[str, str], after: dict[str, str]) -> None:
    changes = Counter((before[h].removeprefix("hộ "), after[h].removeprefix("hộ ")) for h in after)
    assert changes == {
        ("nghèo", "nghèo"): 79,
        ("nghèo", "cận nghèo"): 11,
        ("nghèo", "không nghèo"): 6,
        ("cận nghèo", "nghèo"): 3,
        ("cận nghèo", "cận nghèo"): 60,
        ("cận nghèo", "không nghèo"): 73,
        ("không nghèo", "nghèo"): 5,
        ("không nghèo", "cận nghèo"): 6,
        ("không nghèo", "không nghèo"): 14,
    }


def test_households_stand_exactly_on_the_lines_of_the_standard() -> None:
    scores = {(int(r["B1"]), int(r["B2"])) for r in rows("phieu-b")}
    assert {(140, 30), (140, 20), (140, 0), (140, 120), (141, 30)} <= scores


def test_every_household_put_forward_is_surveyed_screened_out_or_gone(before: dict[str, str]) -> None:
    surveyed = {r["mã hộ"] for r in rows("phieu-b")}
    screened_out = {r["mã hộ"] for r in rows("phieu-a") if int(r["số chỉ tiêu"]) >= 4}
    gone = {r["mã hộ"] for r in rows("bien-dong")}
    assert (len(screened_out), len(gone)) == (9, 1)
    assert surveyed | screened_out | gone == set(before)
    assert len(surveyed) + len(screened_out) + len(gone) == len(before)


def test_phieu_a_is_for_those_who_asked_and_its_refusals_are_written() -> None:
    """TT 07/2021: households on the managed list go forward without Phiếu A; fewer than four signs go on."""
    heads = [r for r in rows("phu-luc-I-2022") if r["mã hộ"]]
    asked = {r["mã hộ"]: on(r["ngày đề nghị"]) for r in heads if r["nguồn"] != "danh sách đang quản lý"}
    managed = {r["mã hộ"]: r["phân loại hộ"] for r in heads if r["mã hộ"] not in asked}
    screenings = rows("phieu-a")
    assert {r["mã hộ"] for r in screenings} == set(asked)
    assert all(on(r["ngày"]) > asked[r["mã hộ"]] for r in screenings)
    assert all(bool(r["lý do không đưa vào danh sách"]) == (int(r["số chỉ tiêu"]) >= 4) for r in screenings)
    read = read_acts(DATA / "phieu-a.csv", SCREENINGS).records
    assert all(bool(r.reply) == (r.signs >= 4) for r in read)
    assert any((r.reply or "").startswith(f"{r.reply_number}: Có {r.signs:02d} chỉ tiêu") for r in read)
    old = {r["mã hộ"]: r["phân loại hộ"] for r in rows("danh-sach-dang-quan-ly-2021") if r["mã hộ"]}
    assert managed == old


def test_one_village_stays_under_one_half_and_surveys_and_meets_again() -> None:
    """QĐ 24/2021 Đ4 k3: under 50 % of all attendees the village is surveyed again and meets again."""
    meetings = [r for r in rows("hop-dan") if not r["mã hộ"]]
    failed = [r for r in meetings if 2 * int(r["số người đồng ý"]) < int(r["số người tham dự"])]
    assert [(r["mã thôn"], r["lần"]) for r in failed] == [("18766-07", "1")]
    assert any(2 * int(r["số người đồng ý"]) == int(r["số người tham dự"]) for r in meetings)
    (again,) = [r for r in meetings if r["mã thôn"] == "18766-07" and r["lần"] == "2"]
    surveys = [r for r in rows("phieu-b") if r["mã hộ"].startswith("18766-07")]
    second = [on(r["ngày"]) for r in surveys if r["loại khảo sát"] == "khảo sát lại"]
    assert len(second) == len(surveys) / 2 == int(again["số hộ trong danh sách"])
    assert on(failed[0]["ngày"]) < min(second) <= max(second) < on(again["ngày"])


def test_complaints_fall_inside_and_after_the_posting_and_the_re_checks_keep_their_terms(after: dict[str, str]) -> None:
    """QĐ 24/2021 Đ4 k4: posted 3 working days; re-check within 7 from receipt; posted again."""
    upheld, not_upheld, late = rows("khieu-nai")
    posted = {r["mã thôn"]: on(r["từ ngày"]) for r in rows("niem-yet") if not r["mã hộ"]}
    for complaint, outcome in ((upheld, "đúng"), (not_upheld, "không đúng")):
        household, received = complaint["mã hộ"], on(complaint["ngày nhận"])
        start = posted[household[:8]]
        assert complaint["kết quả"] == outcome
        assert start <= received <= working_days_after(start, 3)
        first, *more = [r for r in rows("phieu-b") if r["mã hộ"] == household]
        (recheck,) = [r for r in more if r["loại khảo sát"] == "phúc tra"]
        (meeting,) = [r for r in rows("hop-dan") if r["mã hộ"] == household]
        (reposting,) = [r for r in rows("niem-yet") if r["mã hộ"] == household]
        days = [on(complaint["ngày nhập"]), on(recheck["ngày"]), on(meeting["ngày"]), on(reposting["từ ngày"])]
        assert days == sorted(days)
        assert recheck["mã rà soát viên"] != first["mã rà soát viên"], "who surveyed a household may not re-check it"
        assert days[-1] <= working_days_after(received, 7)
        assert (judged(first) == after[household]) == (outcome == "không đúng")
    entered_late = [r["mã khiếu nại"] for r in rows("khieu-nai") if r["ngày nhập"] != r["ngày nhận"]]
    assert entered_late == [upheld["mã khiếu nại"]]
    assert on(late["ngày nhận"]) > working_days_after(posted[late["mã hộ"][:8]], 3)


def test_each_village_is_surveyed_then_meets_then_is_posted_at_both_places_by_24_october() -> None:
    postings = rows("niem-yet")
    assert all(r["tại nhà văn hóa thôn"] == r["tại trụ sở UBND xã"] == "có" for r in postings)
    assert max(on(r["từ ngày"]) for r in postings) == date(2022, 10, 24)
    villages = {r["mã đơn vị"] for r in rows("don-vi") if r["cấp"] == "thôn"}
    assert {r["mã thôn"] for r in postings} == villages
    assert len(villages) == 10
    for village in villages:
        surveys = [on(r["ngày"]) for r in rows("phieu-b") if r["mã hộ"][:8] == village and r["lần"] == "1"]
        meetings = [on(r["ngày"]) for r in rows("hop-dan") if r["mã thôn"] == village and not r["mã hộ"]]
        (posting,) = [on(r["từ ngày"]) for r in postings if r["mã thôn"] == village and not r["mã hộ"]]
        assert max(surveys) < min(meetings)
        assert max(meetings) < posting
        assert max(on(r["ngày"]) for r in rows("bien-dong")) < date(2022, 10, 10)


def test_the_papers_follow_the_postings_and_the_opinion_is_late() -> None:
    """QĐ 24/2021 Đ4 k5: the superior answers within 5 working days from receipt of the report."""
    papers = {r["loại"]: on(r["ngày"]) for r in rows("van-ban") if r["loại"] != "kế hoạch"}
    end_of_posting = max(working_days_after(on(r["từ ngày"]), 3) for r in rows("niem-yet"))
    assert end_of_posting < papers["tổng hợp"] <= papers["báo cáo"] <= papers["tiếp nhận báo cáo"]
    assert working_days_after(papers["tiếp nhận báo cáo"], 5) == date(2022, 11, 7)
    assert date(2022, 11, 7) < papers["ý kiến"] == date(2022, 11, 9) < papers["quyết định công nhận"]
    plans = {r["số"]: on(r["ngày"]) for r in rows("van-ban") if r["loại"] == "kế hoạch"}
    assert plans == {"2672/KH-UBND": date(2022, 9, 15), "510/KH-UBND": date(2022, 9, 26)}


def test_every_act_is_on_a_working_day_of_the_season() -> None:
    columns = ("ngày", "từ ngày", "ngày nhận", "ngày nhập", "ngày đề nghị", "ngày lập danh sách")
    names = [path.stem for path in DATA.glob("*.csv") if path.stem != LISTS[0]]
    dates = [on(r[c]) for name in names for r in rows(name) for c in columns if r.get(c)]
    assert len(dates) > 600
    assert all(date(2022, 9, 5) <= day <= date(2022, 12, 14) and day.isoweekday() <= 5 for day in dates)


def test_the_numbers_of_persons_belong_to_nobody() -> None:
    """No province's code is 999, no CMND series 000."""
    numbers = [r["CCCD"] for r in rows("phu-luc-I-2022") if r["CCCD"]]
    assert len(numbers) > 400
    assert all(number.startswith("999" if len(number) == 12 else "000") for number in numbers)
    assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("name", LISTS)
def test_the_workbook_holds_the_same_households_as_the_csv(name: str) -> None:
    villages = {u.segment: u.name for u in read_units(DATA / "don-vi.csv").versions() if u.level == "village"}
    from_csv = read_households(DATA / f"{name}.csv", villages=villages)
    from_workbook = read_households(DATA / f"{name}.xlsx", villages=villages)
    assert from_csv.errors == from_workbook.errors == ()
    plain = [
        [(h.code, h.village, h.class_before, h.area, h.origin, h.b1, h.b2, h.requested_on, h.decided_on)]
        + [(m.name, m.relation, m.birth, m.sex, m.identity) for m in h.members]
        for parsed in (from_csv, from_workbook)
        for h in parsed.records
    ]
    half = len(plain) // 2
    assert plain[:half] == plain[half:]
    assert half == {LISTS[0]: 233, LISTS[1]: 267}[name]


def test_every_act_file_is_read_without_a_fault_and_refers_only_to_what_exists() -> None:
    units = {u.segment for u in read_units(DATA / "don-vi.csv").versions()}
    actors = read_acts(DATA / "can-bo.csv", ACTORS, known={"unit": units})
    households = read_households(DATA / "phu-luc-I-2022.csv").records
    codes = {a.code for a in actors.records}
    known = {
        "household": {h.code for h in households},
        "village": {h.village for h in households},
        "surveyor": {a.code for a in actors.records if a.role == "enumerator"},
        "chair": {a.code for a in actors.records if a.role == "village_head"},
        "signer": codes,
        "unit": units,
    }
    kinds: dict[str, tuple[ActKind[Any], int]] = {
        "phieu-a": (SCREENINGS, 34),
        "phieu-b": (SURVEYS, 279),
        "hop-dan": (MEETINGS, 13),
        "niem-yet": (POSTINGS, 12),
        "khieu-nai": (COMPLAINTS, 3),
        "bien-dong": (CHANGES, 1),
        "van-ban": (DOCUMENTS, 8),
        "thong-bao-566": (NOTICES, 4),
    }
    assert (actors.errors, len(units), len(actors.records)) == ((), 13, 27)
    for name, (kind, count) in kinds.items():
        parsed = read_acts(DATA / f"{name}.csv", kind, known=known)
        assert (name, parsed.errors, len(parsed.records)) == (name, (), count)


def test_the_generator_writes_the_committed_files_again(tmp_path: Path) -> None:
    program = ROOT / "tools" / "generate_cam_due.py"
    subprocess.run([sys.executable, str(program), "--out", str(tmp_path)], check=True, timeout=120)
    assert {p.name for p in tmp_path.iterdir()} == {p.name for p in DATA.iterdir() if p.suffix in (".csv", ".xlsx")}
    for written in tmp_path.iterdir():
        committed = DATA / written.name
        if written.suffix == ".csv":
            assert written.read_bytes() == committed.read_bytes(), written.name
        else:
            pair = [[list(sheet.values) for sheet in load_workbook(path).worksheets] for path in (written, committed)]
            assert pair[0] == pair[1], written.name
