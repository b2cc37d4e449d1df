"""The canonical form, held against the vectors that RFC 8785 publishes."""

from __future__ import annotations

import json
import struct
from enum import IntEnum, StrEnum
from typing import Any

import pytest

from rasoat.foundation.errors import InputError
from rasoat.persistence.canonical import canonical_json

# RFC 8785, appendix B: IEEE 754 bits and their canonical text.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_rfc_8785_appendix_b(bits: str, text: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert canonical_json(number) == text.encode()


@pytest.mark.parametrize("bits", ["7fffffffffffffff", "7ff0000000000000", "fff0000000000000"])
def test_numbers_that_are_not_finite_are_refused_with_their_place(bits: str) -> None:
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    with pytest.raises(InputError, match=r"\$\.scores\[1\]"):
        canonical_json({"scores": [1, number]})


def test_the_sample_of_rfc_8785_section_3_2_4_gives_its_published_bytes() -> None:
    sample = json.loads(
        r'{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        r' "string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
    )
    assert canonical_json(sample) == bytes.fromhex(
        "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e"
        "756d62657273223a5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31652d32375d"
        "2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c222f227d"
    )


def test_members_are_ordered_by_utf_16_code_units_rfc_8785_section_3_2_3() -> None:
    sample = {
        "\u20ac": "Euro Sign",
        "\r": "Carriage Return",
        "\ufb33": "Hebrew Letter Dalet With Dagesh",
        "1": "One",
        "\U0001f600": "Emoji: Grinning Face",
        "\u0080": "Control",
        "\u00f6": "Latin Small Letter O With Diaeresis",
    }
    assert list(json.loads(canonical_json(sample)).values()) == [
        "Carriage Return",
        "One",
        "Control",
        "Latin Small Letter O With Diaeresis",
        "Euro Sign",
        "Emoji: Grinning Face",
        "Hebrew Letter Dalet With Dagesh",
    ]


def test_members_of_nested_objects_are_ordered_too() -> None:
    sample = {"1": {"f": {"f": "hi", "F": 5}, "\n": 56.0}, "10": {}, "": "empty", "a": {}, "111": [{}], "A": {}}
    expected = r'{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{}],"A":{},"a":{}}'
    assert canonical_json(sample) == expected.encode()


def test_control_characters_are_escaped_and_nothing_else_is() -> None:
    text = "".join(map(chr, range(0x20))) + '"\\/\x7f\u2028Cẩm Duệ'
    expected = (
        r'"\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f'
        r"\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f"
        r"\"\\/" + '\x7f\u2028Cẩm Duệ"'
    )
    assert canonical_json(text) == expected.encode()
    assert canonical_json([text, 1.5]) == f"[{expected},1.5]".encode()


@pytest.mark.parametrize("number", [2**53 - 1, -(2**53) + 1, 0, True, False, None])
def test_exact_integers_and_literals_are_taken(number: Any) -> None:
    assert json.loads(canonical_json(number)) == number


@pytest.mark.parametrize("number", [2**53, -(2**53), pytest.param(10**5000, id="huge")])
def test_integers_that_json_readers_would_round_are_refused(number: int) -> None:
    with pytest.raises(InputError, match="decimal string"):
        canonical_json([number])


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "\ude00\ud83d"])
def test_lone_surrogates_are_refused_in_values_and_in_keys(text: str) -> None:
    with pytest.raises(InputError, match="lone surrogate"):
        canonical_json({"name": text})
    with pytest.raises(InputError, match="lone surrogate"):
        canonical_json({text: 1})


@pytest.mark.parametrize("value", [b"bytes", {1, 2}, object(), 1 + 2j])
def test_values_without_a_json_form_are_refused_with_their_place(value: object) -> None:
    with pytest.raises(InputError, match=r"\$\[0\]\.a: "):
        canonical_json([{"a": value}])


@pytest.mark.parametrize("key", [1, None, True, 1.5, ("a",)])
def test_keys_that_are_no_strings_are_refused_instead_of_converted(key: object) -> None:
    with pytest.raises(InputError, match="no string"):
        canonical_json({key: "x"})


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[object] = []
    loop.append({"again": loop})
    with pytest.raises(InputError, match="contains itself"):
        canonical_json(loop)


def test_a_value_nested_without_end_is_refused() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InputError, match="too deep"):
        canonical_json(deep)


def test_the_same_object_in_two_places_is_no_loop() -> None:
    shared = {"x": 0.5}
    assert canonical_json([shared, shared]) == b'[{"x":0.5},{"x":0.5}]'


def test_tuples_and_enumerations_are_written_as_what_they_hold() -> None:
    kind = StrEnum("kind", {"POOR": "poor"})
    rank = IntEnum("rank", {"FIRST": 1})
    assert canonical_json((kind.POOR, rank.FIRST)) == b'["poor",1]'
    assert canonical_json({kind.POOR: rank.FIRST}) == b'{"poor":1}'
