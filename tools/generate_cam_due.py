"""Write the input files of the demonstration round (Xã Cẩm Duệ, 2022): same seed, same bytes.

    python tools/generate_cam_due.py [--out FOLDER]

The frame is public (plan 510/KH-UBND, notice 566/TB-UBND with its figures); households, villages' names, codes,
other numbers of papers and every person are generated.
"""

from __future__ import annotations

import argparse
import csv
import re
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import cam_due_acts as acts
from cam_due_people import Household, Person, build_households
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openpyxl.worksheet.worksheet import Worksheet

Row = list[str]
HOME = Path(__file__).resolve().parent.parent / "rasoat" / "demo" / "data" / "cam-due-2022"

CLASSES = {"poor": "hộ nghèo", "near_poor": "hộ cận nghèo", "none": "hộ không nghèo"}
YES_NO = {True: "có", False: "không"}
MOMENT = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
LAST_DECISION = ("705/QĐ-UBND", "10/12/2021")
DATE_COLUMNS = {"ngày sinh", "ngày ban hành QĐ", "ngày đề nghị", "ngày lập danh sách"}

MANAGED = "danh-sach-dang-quan-ly-2021"
MANAGED_TITLE = "DANH SÁCH HỘ NGHÈO, HỘ CẬN NGHÈO SAU KHI RÀ SOÁT"
PUT_FORWARD = "phu-luc-I-2022"
PUT_FORWARD_TITLE = "DANH SÁCH HỘ GIA ĐÌNH CẦN RÀ SOÁT"

TABLES: dict[str, str] = {
    MANAGED: "mã hộ, chủ hộ, thành viên, quan hệ với chủ hộ, ngày sinh, giới tính, CCCD, tỉnh, huyện, mã huyện, xã, "
    "mã xã, thôn, mã thôn, dân tộc, khu vực, phân loại hộ, số QĐ công nhận, ngày ban hành QĐ, B1, B2, DTTS, "
    "không có khả năng lao động, thành viên có công, nguyên nhân nghèo",
    PUT_FORWARD: "mã hộ, chủ hộ, thành viên, quan hệ với chủ hộ, ngày sinh, giới tính, CCCD, thôn, mã thôn, dân tộc, "
    "khu vực, nguồn, ngày đề nghị, phân loại hộ, DTTS, không có khả năng lao động, thành viên có công, "
    "ngày lập danh sách",
    "don-vi": "mã đơn vị, tên, cấp, mã cấp trên, khu vực, số hộ dân cư, ghi chú",
    "can-bo": "mã cán bộ, vai trò, mã đơn vị",
    "phieu-a": "mã hộ, ngày, số chỉ tiêu, mã rà soát viên, số văn bản trả lời, lý do không đưa vào danh sách",
    "phieu-b": "mã phiếu, mã hộ, lần, ngày, khu vực, B1, B2, mã rà soát viên, người cung cấp thông tin, loại khảo sát",
    "hop-dan": "mã biên bản, mã thôn, lần, ngày, số người tham dự, số người đồng ý, số hộ có đại diện, "
    "số hộ trong danh sách, người chủ trì, chủ trì ký, thư ký ký, đại diện hộ ký, số bản, mã hộ",
    "niem-yet": "mã niêm yết, mã thôn, mã hộ, từ ngày, tại nhà văn hóa thôn, tại trụ sở UBND xã, phát thanh, loại, "
    "số thông báo",
    "khieu-nai": "mã khiếu nại, mã hộ, ngày nhận, ngày nhập, mã nội dung, kết quả",
    "bien-dong": "mã hộ, loại, ngày, nội dung",
    "van-ban": "mã văn bản, loại, số, ngày, mã đơn vị, người ký, trích yếu",
    "thong-bao-566": "số thông báo, ngày, nhóm, số hộ, số khẩu",
}


def main() -> None:
    """Write all files into the folder named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=HOME)
    folder: Path = parser.parse_args().out
    folder.mkdir(parents=True, exist_ok=True)
    households = build_households()
    _write_list(folder, MANAGED, MANAGED_TITLE, list(_managed(households)))
    _write_list(folder, PUT_FORWARD, PUT_FORWARD_TITLE, list(_put_forward(households)))
    for name, rows in _tables(households).items():
        _write_csv(folder, name, rows)


def _tables(households: list[Household]) -> dict[str, list[Row]]:
    return {
        "don-vi": acts.units(),
        "can-bo": acts.actors(),
        "phieu-a": acts.screenings(households),
        "phieu-b": acts.surveys(households),
        "hop-dan": acts.meetings(households),
        "niem-yet": acts.postings(households),
        "khieu-nai": acts.complaints(households),
        "bien-dong": acts.changes(households),
        "van-ban": acts.documents(),
        "thong-bao-566": acts.notice(),
    }


def _managed(households: list[Household]) -> Iterator[Row]:
    for household in households:
        if household.requested:
            continue
        for i, person in enumerate(household.members):
            place = ["Hà Tĩnh", "Cẩm Xuyên", acts.DISTRICT, "Cẩm Duệ", acts.COMMUNE, *_village(household), "Kinh"]
            last = [CLASSES[household.before], *LAST_DECISION, *map(str, household.last_year)]
            end = [*last, *_flags(household), household.causes] if i == 0 else [""] * 9
            yield [*_person(household, person, i), *place, "nông thôn" if i == 0 else "", *end]


def _put_forward(households: list[Household]) -> Iterator[Row]:
    for household in households:
        asked = f"{acts.requested_on(household):%d/%m/%Y}" if household.requested else ""
        source = "giấy đề nghị (Mẫu 01)" if household.requested else "danh sách đang quản lý"
        listed = f"{acts.CLOSED_ON if household.requested else acts.LISTED_ON:%d/%m/%Y}"
        for i, person in enumerate(household.members):
            start = [*_person(household, person, i), *_village(household), "Kinh"]
            head = ["nông thôn", source, asked, CLASSES[household.before], *_flags(household), listed]
            yield [*start, *(head if i == 0 else [""] * len(head))]


def _person(household: Household, person: Person, place: int) -> Row:
    head = [household.code, person.name, ""] if place == 0 else ["", "", person.name]
    return [*head, person.relation, person.born, person.sex, person.identity]


def _village(household: Household) -> Row:
    return [f"Thôn {household.village}", acts.village_code(household.village)]


def _flags(household: Household) -> Row:
    return [YES_NO[household.flags[flag]] for flag in ("dtts", "unable_to_work", "merit")]


def _write_list(folder: Path, name: str, title: str, rows: list[Row]) -> None:
    _write_csv(folder, name, rows)
    _write_workbook(folder / f"{name}.xlsx", title, _header(name), rows)


def _header(name: str) -> list[str]:
    return TABLES[name].split(", ")


def _write_csv(folder: Path, name: str, rows: list[Row]) -> None:
    with (folder / f"{name}.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_header(name))
        writer.writerows(rows)


def _write_workbook(path: Path, title: str, header: list[str], rows: list[Row]) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Danh sách"
    for line, text in enumerate(("XÃ CẨM DUỆ, HUYỆN CẨM XUYÊN, TỈNH HÀ TĨNH", title, "(số liệu mẫu)"), start=1):
        sheet.cell(line, 1, text).font = Font(bold=True)
        sheet.cell(line, 1).alignment = Alignment(horizontal="center")
        sheet.merge_cells(start_row=line, start_column=1, end_row=line, end_column=len(header))
    sheet.append([name[0].upper() + name[1:] for name in header])
    for row in rows:
        sheet.append([_cell(name, value) for name, value in zip(header, row, strict=True)])
    _dress(sheet, header)
    book.save(path)
    _settle(path)


def _settle(path: Path) -> None:
    """Replace the moment of writing by a fixed one, so that the same rows give the same file."""
    with ZipFile(path) as written:
        parts = [(ZipInfo(name), written.read(name)) for name in written.namelist()]
    with ZipFile(path, "w", ZIP_DEFLATED) as settled:
        for part, content in parts:
            settled.writestr(part, MOMENT.sub(b"2022-09-26T00:00:00Z", content), ZIP_DEFLATED)


def _cell(column: str, value: str) -> str | int | datetime | None:
    """Return the value as a spreadsheet would hold it: whole dates as dates, scores as numbers, the rest as text."""
    if not value:
        return None
    if column in DATE_COLUMNS and len(value) == len("31/12/2022"):
        return datetime.strptime(value, "%d/%m/%Y")  # noqa: DTZ007 -- a cell's day has no zone
    return int(value) if column in ("B1", "B2") else value


def _dress(sheet: Worksheet, header: list[str]) -> None:
    sheet.freeze_panes = "A5"
    for column, name in enumerate(header, start=1):
        sheet.column_dimensions[get_column_letter(column)].width = max(11, len(name) + 2)
        sheet.cell(4, column).font = Font(bold=True)
        if name in DATE_COLUMNS:
            for row in range(5, sheet.max_row + 1):
                sheet.cell(row, column).number_format = "dd/mm/yyyy"


if __name__ == "__main__":
    main()
