"""One byte form for every JSON value: the JSON Canonicalization Scheme (JCS), RFC 8785.

Hashes and signatures are taken over these bytes, so that anyone can compute them again from the data alone,
in any language.
"""

from __future__ import annotations

from json import JSONEncoder
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]  # absent from typeshed
from math import isfinite
from types import NoneType
from typing import TYPE_CHECKING, Any, Final, cast

from ..foundation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LARGEST_INTEGER", "canonical_json", "canonical_text", "quoted"]

LARGEST_INTEGER: Final = 2**53 - 1
"""Integers beyond it are not exact in every JSON reader (RFC 7493); larger ids travel as decimal strings."""

quoted: Final[Callable[[str], str]] = encode_basestring
"""Return a string as a JSON string in canonical form; `TypeError` if it is no string."""

# JSONEncoder.encode() would set up this same C encoder anew for every value, for as long as the writing itself takes.
_encode: Callable[[object, int], tuple[str, ...]] = c_make_encoder(
    None,
    JSONEncoder().default,
    encode_basestring,
    None,
    ":",
    ",",
    True,  # noqa: FBT003  C takes no names
    False,  # noqa: FBT003  as above
    False,  # noqa: FBT003  as above
)
_LARGEST_PLAIN_EXPONENT = 21  # ECMAScript writes 10**21 and above, and below 10**-6, with an exponent
_SMALLEST_PLAIN_EXPONENT = -6


def canonical_json(value: object) -> bytes:
    """Return the canonical form of `value`, UTF-8 (RFC 8785).

    Takes str, int, float, bool, None, list, tuple (as an array) and dict with string keys, nested at will.
    `InputError` names the place of what has no canonical form: another type, a key that is no string, NaN or an
    infinity, an integer beyond `LARGEST_INTEGER`, a lone surrogate, a value that contains itself.
    """
    try:
        text = "".join(_encode(value, 0))
        if _is_plain(value):
            return text.encode()
    except (TypeError, ValueError, RecursionError):
        pass  # the general path says what is wrong, and where
    return _general(value).encode()


def canonical_text(value: object) -> str:
    """Return the canonical form of `value` as text; takes and raises what `canonical_json` does."""
    try:
        text = "".join(_encode(value, 0))
        # Without non-ASCII text there can be no lone surrogate, which only encoding would bring to light.
        if text.isascii() and _is_plain(value):
            return text
    except (TypeError, ValueError, RecursionError):
        pass  # as above
    return canonical_json(value).decode()


_SCALARS: Final = frozenset({str, bool, NoneType})
_WITH_INTEGERS: Final = _SCALARS | {int}


def _is_plain(value: object) -> bool:
    """Say whether the standard encoder's text for `value` is already canonical."""
    pending = [value]
    for item in pending:
        kind = type(item)
        if kind in _SCALARS:
            continue
        if kind is int:
            if not -LARGEST_INTEGER <= cast("int", item) <= LARGEST_INTEGER:
                return False
        elif kind is dict:
            members = cast("dict[Any, object]", item)
            if not "".join(members).isascii():  # TypeError if a key is no string
                return False
            kinds = set(map(type, members.values()))
            if not kinds <= _SCALARS:
                pending += (
                    [v for v in members.values() if type(v) is int] if kinds <= _WITH_INTEGERS else members.values()
                )
        elif kind is list or kind is tuple:
            pending.extend(cast("list[object]", item))
        else:
            return False
    return True


def _general(value: object) -> str:
    try:
        return _written(value, "$", ())
    except RecursionError:
        msg = "the value is nested too deep to be written as JSON"
        raise InputError(msg) from None


def _written(value: object, place: str, above: tuple[int, ...]) -> str:
    if value is None:
        return "null"
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return write(value, place, above)
    msg = f"{place}: {type(value).__name__} has no JSON form; give text, numbers, true, false, null, lists or objects"
    raise InputError(msg)


def _bool(value: bool, _place: str, _above: tuple[int, ...]) -> str:  # noqa: FBT001  one writer's argument among others
    return "true" if value else "false"


def _string(value: str, place: str, _above: tuple[int, ...]) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        msg = f"{place}: lone surrogate U+{ord(value[error.start]):04X} at character {error.start}; give valid Unicode"
        raise InputError(msg) from None
    return quoted(value)


def _integer(value: int, place: str, _above: tuple[int, ...]) -> str:
    if not -LARGEST_INTEGER <= value <= LARGEST_INTEGER:
        msg = f"{place}: an integer of {value.bit_length()} bits is not exact in JSON; give it as a decimal string"
        raise InputError(msg)
    return int.__repr__(value)


def _number(value: float, place: str, _above: tuple[int, ...]) -> str:
    if not isfinite(value):
        msg = f"{place}: {float.__repr__(value)} has no JSON form; give a finite number or null"
        raise InputError(msg)
    return _ecmascript(value)


def _array(value: list[object], place: str, above: tuple[int, ...]) -> str:
    inside = _entered(value, place, above)
    return f"[{','.join([_written(item, f'{place}[{i}]', inside) for i, item in enumerate(value)])}]"


def _object(value: dict[object, object], place: str, above: tuple[int, ...]) -> str:
    inside = _entered(value, place, above)
    members = []
    for key in sorted(_keys(value, place), key=_utf16):
        here = f"{place}.{key}"
        members.append(f"{_string(key, here, inside)}:{_written(value[key], here, inside)}")
    return f"{{{','.join(members)}}}"


def _entered(value: object, place: str, above: tuple[int, ...]) -> tuple[int, ...]:
    if id(value) in above:
        msg = f"{place}: the value contains itself"
        raise InputError(msg)
    return (*above, id(value))


def _keys(value: dict[object, object], place: str) -> list[str]:
    for key in value:
        if not isinstance(key, str):
            msg = f"{place}: the key {key!r} is no string"
            raise InputError(msg)
    return cast("list[str]", list(value))


def _utf16(key: str) -> bytes:
    """RFC 8785 §3.2.3: members are ordered by their names' UTF-16 code units."""
    return key.encode("utf-16-be", "surrogatepass")


def _ecmascript(value: float) -> str:
    """Number::toString of ECMAScript (RFC 8785 §3.2.2.3); `repr` gives the same shortest digits, laid out otherwise."""
    if value == 0:
        return "0"
    digits, point = _shortest(abs(value))
    sign = "-" if value < 0 else ""
    if len(digits) <= point <= _LARGEST_PLAIN_EXPONENT:
        return f"{sign}{digits}{'0' * (point - len(digits))}"
    if 0 < point <= _LARGEST_PLAIN_EXPONENT:
        return f"{sign}{digits[:point]}.{digits[point:]}"
    if _SMALLEST_PLAIN_EXPONENT < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    fraction = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{point - 1:+d}"


def _shortest(value: float) -> tuple[str, int]:
    """Return the shortest digits d₁d₂… and the n for which 0.d₁d₂… · 10ⁿ reads back as `value`."""
    mantissa, _, exponent = float.__repr__(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    written = whole + fraction
    digits = written.lstrip("0")
    return digits.rstrip("0"), len(whole) + int(exponent or 0) - (len(written) - len(digits))


_WRITERS: Final[tuple[tuple[Any, Callable[[Any, str, tuple[int, ...]], str]], ...]] = (
    (bool, _bool),  # before int, of which bool is a kind
    (str, _string),
    (int, _integer),
    (float, _number),
    ((list, tuple), _array),
    (dict, _object),
)
