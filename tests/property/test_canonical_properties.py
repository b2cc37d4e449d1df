"""The canonical form against a slow second writer that shares nothing with it."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rasoat.persistence.canonical import LARGEST_INTEGER, canonical_json

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
    | NUMBERS
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=25,
)


@given(VALUES)
@settings(deadline=None, max_examples=400)
@example({"\ufb33": 1, "\U0001f600": 2, "\uffff": 3})
def test_the_bytes_are_those_of_an_independent_writer(value: Any) -> None:
    assert canonical_json(value) == slow(value).encode("utf-8")


@given(NUMBERS)
@settings(deadline=None, max_examples=1000)
@example(1e21)
@example(1e-6)
@example(9.5e-7)
@example(5e-324)
@example(123456789012345680000.0)
@example(2.0**-24)  # below a power of two lie twice as many numbers: its nearest 16 digits do not read back
def test_numbers_have_the_fewest_digits_that_read_back(number: float) -> None:
    text = canonical_json(number).decode()
    assert float(text) == number
    assert text == slow_number(number)


@given(VALUES)
@settings(deadline=None)
def test_reading_back_and_writing_again_changes_nothing(value: Any) -> None:
    once = canonical_json(value)
    assert canonical_json(json.loads(once, parse_int=whole)) == once


def whole(text: str) -> int | float:
    """Read as a double what only a double can have written."""
    return int(text) if abs(int(text)) <= LARGEST_INTEGER else float(text)


def slow(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return f"{value}"
    if isinstance(value, float):
        return slow_number(value)
    if isinstance(value, str):
        return '"' + "".join(map(slow_character, value)) + '"'
    if isinstance(value, dict):
        names = sorted(value, key=code_units)
        return "{" + ",".join(slow(name) + ":" + slow(value[name]) for name in names) + "}"
    return "[" + ",".join(map(slow, value)) + "]"


def code_units(name: str) -> list[int]:
    units: list[int] = []
    for point in map(ord, name):
        if point > 0xFFFF:
            units += [0xD800 + ((point - 0x10000) >> 10), 0xDC00 + ((point - 0x10000) & 0x3FF)]
        else:
            units.append(point)
    return units


def slow_character(character: str) -> str:
    short = {"\b": "b", "\t": "t", "\n": "n", "\f": "f", "\r": "r", '"': '"', "\\": "\\"}
    if character in short:
        return "\\" + short[character]
    return f"\\u{ord(character):04x}" if ord(character) < 0x20 else character


def slow_number(number: float) -> str:
    """Take the fewest digits that read back, and lay them out with exact decimal arithmetic."""
    if number == 0:
        return "0"
    scientific = next(filter(None, (shortest_with(number, places) for places in range(17))))
    if 1e-6 <= abs(number) < 1e21:
        text = f"{Decimal(scientific):f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, exponent = scientific.split("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}e{int(exponent):+d}"


def shortest_with(number: float, places: int) -> str | None:
    """Return the nearest text with one digit before and `places` after the point that reads back, if there is one."""
    rounded = Decimal(f"{number:.{places}e}")
    step = Decimal(1).scaleb(int(f"{number:.{places}e}".partition("e")[2]) - places)
    near = [c for c in (rounded, rounded - step, rounded + step) if float(c) == number]  # a tie goes to the even digit
    return f"{min(near, key=lambda c: abs(Fraction(c) - Fraction(number))):.{places}e}" if near else None
