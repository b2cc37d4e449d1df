"""Cursors, identifiers and versions: what is written is read back, and nothing else is taken."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rasoat.foundation.errors import InputError, NotFoundError
from rasoat.web.asking import cursor_of, id_of, is_known, position_in, version_in
from rasoat.web.problems import ProblemError

printable = st.text(st.characters(blacklist_categories=["C", "Z"]), max_size=40)
ids = st.integers(0, 2**63 - 1)


@given(text=printable, number=ids, other=ids)
def test_a_cursor_says_where_it_was_written(text, number, other):
    assert position_in(cursor_of(text, number, other), str, int, int) == (text, number, other)


@given(text=st.text(max_size=80))
@example("bnVsbA")
@example("WzFlNDAwXQ")
@example("WyJcdWQ4MDAiXQ")
@example("WzkyMjMzNzIwMzY4NTQ3NzU4MDhd")
@example("W3RydWVd")
def test_any_other_text_is_refused_and_never_crashes(text):
    for kinds in ((int,), (str,), (str, int, int)):
        try:
            found = position_in(text, *kinds)
        except InputError:
            continue
        assert position_in(cursor_of(*found), *kinds) == found


def test_no_cursor_is_the_beginning():
    assert position_in(None, int) is None


def test_a_cursor_of_another_list_is_refused():
    with pytest.raises(InputError):
        position_in(cursor_of("42/446"), int)


@given(number=st.integers(0, 2**70))
def test_an_identifier_beyond_63_bits_names_nothing(number):
    if number < 2**63:
        assert id_of(str(number), "case") == number
    else:
        with pytest.raises(NotFoundError):
            id_of(str(number), "case")


@pytest.mark.parametrize(("header", "version"), [(None, None), ("*", None), ('"7"', 7), (' "12" ', 12)])
def test_if_match_names_the_version_read(header, version):
    assert version_in(header) == version


@given(header=st.text(max_size=20).filter(lambda h: not re.fullmatch(r'\s*("[0-9]+"|\*)\s*', h)))
def test_any_other_if_match_fails_the_precondition(header):
    with pytest.raises(ProblemError) as raised:
        version_in(header)
    assert raised.value.status == 412


@pytest.mark.parametrize(
    ("header", "known"),
    [
        (None, False),
        ("", False),
        ('"7"', True),
        ('W/"7"', True),
        ('"6", W/"7"', True),
        ("*", True),
        ('"77"', False),
        ("7", False),
    ],
)
def test_a_client_knows_what_one_of_its_tags_names(header, known):
    assert is_known(header, '"7"') is known
