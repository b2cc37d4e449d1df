"""Plan files: the five that are shipped, what a faulty file is refused for, deadlines of milestones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from rasoat.foundation.errors import DefinitionError, InputError, NotFoundError
from rasoat.workflows.plans import Act, Level, PartialDate, check_plan, find_plan, load_plan, shipped_plans

if TYPE_CHECKING:
    from pathlib import Path

PLAN = """
key = "mau-2024"
title = "Kế hoạch mẫu"
province = "Mẫu"
level = "province"
year = 2024
document = { number = "1/KH-UBND", issued = "2024-08-01", issuer = "UBND tỉnh Mẫu" }
source = { title = "Mẫu" }
basis = [{ number = "24/2021/QĐ-TTg", issuer = "Thủ tướng Chính phủ" }]

[[milestone]]
key = "review"
text = "Từ ngày 01/9 đến ngày 31/11/2024"
kind = "window"
duty = [{ act = "review", levels = ["commune"], what = "Rà soát" }]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_five_plans_are_shipped():
    assert {key: (plan.province, plan.year, plan.level) for key, plan in shipped_plans().items()} == {
        "quan-hoa-2020": ("Thanh Hóa", 2020, Level.DISTRICT),
        "bac-ninh-2021": ("Bắc Ninh", 2021, Level.PROVINCE),
        "dien-bien-2022": ("Điện Biên", 2022, Level.PROVINCE),
        "quang-ngai-2023": ("Quảng Ngãi", 2023, Level.PROVINCE),
        "hai-duong-2024": ("Hải Dương", 2024, Level.PROVINCE),
    }


def test_faulty_dates_are_shipped_as_they_were_written():
    texts = {stone.text for plan in shipped_plans().values() for stone in plan.milestones}
    assert {
        "Từ ngày 05/9/20221",
        "Từ ngày 16/11 đến 31/11/2022",
        "Từ ngày 12/10/2021 đến ngày 18/10/2020",
        "Từ ngày 01/12\u00a0đến ngày 15/12/2024",
    } <= texts


def test_a_document_may_lack_its_number_and_its_day():
    document = find_plan("quang-ngai-2023").document
    assert (document.number, document.issued, str(document.issued)) == (None, PartialDate(2023, 7), "7/2023")
    assert document.issued is not None
    assert (document.issued.precision, document.issued.exact) == ("month", None)


def test_a_plan_is_found_by_key_or_file(tmp_path):
    assert find_plan(str(written(tmp_path, PLAN))).key == "mau-2024"
    with pytest.raises(NotFoundError, match=r"neither a file nor a shipped plan .*hai-duong-2024"):
        find_plan("nowhere")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("year = 2024", 'year = "soon"', "year: "),
        ('key = "review"', 'key = "review"\nwho = "x"', r"milestone\[1\].who: "),
        ('act = "review"', 'act = "dance"', r"milestone\[1\].duty\[1\].act: "),
        ('levels = ["commune"]', "levels = []", r"milestone\[1\].duty\[1\].levels: "),
        ('issued = "2024-08-01"', 'issued = "2024-08-32"', "document.issued: .*'2024-08-32' is no date"),
        ('issued = "2024-08-01"', 'issued = "2024-8-1-2"', "document.issued: "),
        ('kind = "window"', 'kind = "window"\nwithin = "x"', "within names 'x', which is no milestone"),
        ('kind = "window"', 'kind = "window"\nwithin = "review"', "which lies within another itself"),
        ('kind = "window"', 'kind = "window"\nread_as = "01/9/2024"', "read_as and read_as_reason go together"),
        (
            "[[milestone]]",
            PLAN[PLAN.index("[[milestone]]") :] + "[[milestone]]",
            "milestone review: the key stands twice",
        ),
    ],
)
def test_a_faulty_file_is_refused_with_the_place_of_the_fault(tmp_path, old, new, said):
    with pytest.raises(DefinitionError, match=said):
        load_plan(written(tmp_path, PLAN.replace(old, new)))


def test_what_is_no_toml_or_no_utf8_is_refused(tmp_path):
    with pytest.raises(InputError, match="not valid TOML"):
        load_plan(written(tmp_path, "key = "))
    path = tmp_path / "plan.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not text in UTF-8"):
        load_plan(path)


def test_a_plan_with_a_faulty_date_opens_no_deadline(tmp_path):
    with pytest.raises(DefinitionError, match=r"faulty dates in review \('Từ ngày 01/9 đến ngày 31/11/2024'\)"):
        load_plan(written(tmp_path, PLAN)).milestone_deadlines()


def test_only_a_stated_reading_mends_a_faulty_date_and_the_check_keeps_saying_so(tmp_path):
    plan = load_plan(written(tmp_path, PLAN))
    stated = replace(
        plan.milestones[0], read_as="Từ ngày 01/9 đến ngày 30/11/2024", read_as_reason="công văn đính chính"
    )
    mended = replace(plan, milestones=(stated,))
    (deadline,) = mended.milestone_deadlines()
    assert deadline.due_on == date(2024, 11, 30)
    assert stated.text == "Từ ngày 01/9 đến ngày 31/11/2024"
    (found,) = [each for each in check_plan(mended) if each.code == "date.read_as"]
    assert "31/11/2024" in found.text.vi
    assert "công văn đính chính" in found.text.vi


def test_each_dated_duty_and_level_is_a_deadline_with_an_owner():
    found = {deadline.key: deadline for deadline in find_plan("hai-duong-2024").milestone_deadlines()}
    report = found["hai-duong-2024/district-report/0/district"]
    assert (report.due_on, report.opens_on, report.level) == (date(2024, 12, 9), None, Level.DISTRICT)
    ministry = found["hai-duong-2024/recognition/2/province"]
    assert (ministry.act, ministry.due_on) == (Act.OFFICIAL_REPORT, date(2024, 12, 15))
    assert ministry.article == "QĐ 24/2021/QĐ-TTg Điều 7 khoản 3"
    assert not [key for key in found if "regular-review" in key]
    assert len(found) == 15


def test_an_approval_is_the_plans_own_and_names_no_article():
    deadlines = find_plan("hai-duong-2024").milestone_deadlines()
    (approval,) = [deadline for deadline in deadlines if deadline.act is Act.APPROVAL]
    assert (approval.level, approval.article) == (Level.DISTRICT, None)
    assert approval.plan == "Kế hoạch rà soát hộ nghèo, hộ cận nghèo năm 2024 (24/6/2024)"


def test_a_year_under_older_law_names_no_article():
    (training, *_) = find_plan("quan-hoa-2020").milestone_deadlines()
    assert (training.due_on, training.article, training.plan) == (date(2020, 11, 20), None, "157/KH-UBND (19/11/2020)")
