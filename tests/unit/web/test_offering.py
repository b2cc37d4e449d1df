"""Which form a client is given, and what a spreadsheet program may not be tricked into."""

from __future__ import annotations

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook
from pydantic import BaseModel
from starlette.requests import Request

from rasoat.web.offering import CSV, JSON, XLSX, listed, next_cursor
from rasoat.web.problems import ProblemError, TextOut


class Row(BaseModel):
    code: str
    label: TextOut
    number: int
    parts: list[str]


def asked(accept=None, query=b"limit=2"):
    headers = [] if accept is None else [(b"accept", accept.encode("latin-1"))]
    scope = {"type": "http", "method": "GET", "path": "/v1/x", "query_string": query, "headers": headers}
    return Request({**scope, "server": ("api.test", 80), "scheme": "http"})


def row(code="a"):
    return Row(code=code, label=TextOut(vi="một", en="one"), number=1, parts=["x", "y"])


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("text/csv", CSV),
        (XLSX, XLSX),
        ("text/html, text/csv;q=0.9, */*;q=0.1", CSV),
        ("application/json;q=0.1, text/csv;q=0.2", CSV),
        ("text/*", CSV),
        ("application/*;q=0.5, application/json;q=0", XLSX),
        ("TEXT/CSV; charset=utf-8", CSV),
        ("text/csv;q=nonsense, application/json", JSON),
    ],
)
def test_the_form_the_client_weighs_most_is_given(accept, form):
    assert listed(asked(accept), Row, [row()], None).headers["content-type"].split(";")[0] == form


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "", "nonsense"])
def test_a_form_that_is_not_offered_is_406_with_what_there_is(accept):
    with pytest.raises(ProblemError) as raised:
        listed(asked(accept), Row, [row()], None)
    assert raised.value.status == 406
    assert "text/csv" in raised.value.reason.en


@given(accept=st.text(st.characters(codec="latin-1"), max_size=60))
def test_no_accept_header_crashes(accept):
    with suppress(ProblemError):
        assert listed(asked(accept), Row, [], None).status_code == 200


@given(text=st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30))
def test_no_cell_of_a_csv_begins_like_a_formula(text):
    answer = listed(asked("text/csv"), Row, [row(text)], None)
    [found] = list(csv.DictReader(io.StringIO(answer.body.decode("utf-8-sig"), newline="")))
    assert not found["code"].startswith(("=", "+", "-", "@"))
    assert found["code"] in (text, f"'{text}")


def test_a_workbook_keeps_text_as_text():
    answer = listed(asked(XLSX), Row, [row("=1+1")], None)
    sheet = load_workbook(io.BytesIO(answer.body)).active
    assert [cell.value for cell in sheet[1]] == ["code", "number", "parts", "label.vi", "label.en"]
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("=1+1", "s")


def test_an_empty_list_still_has_its_headings():
    body = listed(asked("text/csv"), Row, [], None).body.decode("utf-8-sig")
    assert body == "code,number,parts\r\n"


def test_the_next_page_is_named_in_the_answer_and_in_the_link():
    answer = listed(asked(), Row, [row()], "abc")
    assert answer.headers["link"] == '</v1/x?limit=2&cursor=abc>; rel="next"'
    assert b'"next":"abc"' in answer.body


@given(count=st.integers(0, 8), limit=st.integers(1, 8))
def test_there_is_a_next_page_only_if_one_row_more_was_found(count, limit):
    rows = list(range(count))
    assert next_cursor(rows, limit, str) == (str(limit - 1) if count > limit else None)
