"""Uploaded lists are measured before they are read."""

from __future__ import annotations

import re
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from rasoat.web import WebSettings
from rasoat.web.problems import ProblemError
from rasoat.web.unpacking import _lines, require_bounded


def _zip(file, **parts):
    with ZipFile(file, "w", ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name.replace("__", "/"), content)
    return file


def test_a_small_file_that_unpacks_to_gigabytes_is_refused_unread(tmp_path):
    bomb = _zip(tmp_path / "list.xlsx", xl__sharedStrings=b"0" * 50_000_000)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(ProblemError) as refused:
        require_bounded(bomb, WebSettings())
    assert (refused.value.status, refused.value.code) == (413, "unpacks_too_large")


def test_a_plain_size_above_the_bound_is_refused_however_gently_packed(tmp_path):
    stored = tmp_path / "list.xlsx"
    with ZipFile(stored, "w") as book:
        book.writestr("a", b"0" * 2_000)
    require_bounded(stored, WebSettings(unpacked_bytes=2_000))
    with pytest.raises(ProblemError):
        require_bounded(stored, WebSettings(unpacked_bytes=1_999))


@pytest.mark.parametrize("rows", [9, 10, 11])
def test_rows_of_a_workbook_and_lines_of_a_plain_list_are_counted(tmp_path, rows):
    book = Workbook()
    for n in range(rows):
        book.active.append([n])
    book.save(tmp_path / "list.xlsx")
    (tmp_path / "list.csv").write_text("x\n" * rows, encoding="utf-8")
    for name in ("list.xlsx", "list.csv"):
        if rows <= 10:
            require_bounded(tmp_path / name, WebSettings(upload_rows=10))
        else:
            with pytest.raises(ProblemError) as refused:
                require_bounded(tmp_path / name, WebSettings(upload_rows=10))
            assert (refused.value.status, refused.value.code) == (413, "too_many_rows")


def test_what_is_no_workbook_is_left_to_the_reader(tmp_path):
    (tmp_path / "list.xlsx").write_bytes(b"PK\x03\x04 no")
    require_bounded(tmp_path / "list.xlsx", WebSettings())


WAYS = {
    "a tab": "<sheetData>{}</sheetData>|<row\t r='1'/>",
    "a line end": "<sheetData>{}</sheetData>|<row\n/>",
    "another prefix": "<y:sheetData xmlns:y='urn:y'>{}</y:sheetData>|<y:row/>",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["xl/worksheets/sheet1.xml", "elsewhere/part.bin"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_rows_are_counted_however_they_are_written_and_wherever_the_sheet_lies(tmp_path, way, name, encoding):
    frame, row = WAYS[way].split("|")
    for rows in (10, 11):
        file = tmp_path / f"{rows}.xlsx"
        with ZipFile(file, "w") as book:
            book.writestr("broken.xml", b"\x00<")
            book.writestr(name, frame.format(row * rows).encode(encoding))
    require_bounded(tmp_path / "10.xlsx", WebSettings(upload_rows=10))
    with pytest.raises(ProblemError) as refused:
        require_bounded(tmp_path / "11.xlsx", WebSettings(upload_rows=10))
    assert refused.value.code == "too_many_rows"


def test_a_part_that_cannot_be_read_hides_no_other(tmp_path):
    file = tmp_path / "list.xlsx"
    with ZipFile(file, "w") as book:
        book.writestr("a.xml", b"<marked/>")
        book.writestr("b.xml", b"<d>" + b"<row/>" * 11 + b"</d>")
    file.write_bytes(file.read_bytes().replace(b"<marked/>", b"<broken/>"))
    with pytest.raises(ProblemError):
        require_bounded(file, WebSettings(upload_rows=10))


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_lines_end_in_three_ways(tmp_path, end):
    file = tmp_path / "list.csv"
    file.write_bytes(("x" + end).encode() * 11)
    require_bounded(file, WebSettings(upload_rows=11))
    with pytest.raises(ProblemError):
        require_bounded(file, WebSettings(upload_rows=10))


@given(st.lists(st.sampled_from([b"x", b"\r", b"\n"]), max_size=40), st.integers(1, 7))
def test_lines_are_counted_wherever_the_chunks_end(pieces, size):
    text = b"".join(pieces)
    chunks = [text[i : i + size] for i in range(0, len(text), size)]
    *_, found = _lines(chunks)
    assert found == len(re.findall(rb"\r\n|\r|\n", text))
