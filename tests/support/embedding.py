"""What a host that embeds the engine starts from: a commune, a village, households, an act."""

from __future__ import annotations

from datetime import date

from rasoat import Actor, ActRequest, Household, Mandate, Person

__all__ = ["COMMITTEE", "COMMUNE", "OPENED", "UNITS", "VILLAGE", "household", "listing"]

COMMUNE, VILLAGE = "42/446/18766", "42/446/18766/01"
OPENED = date(2022, 9, 26)
COMMITTEE = Actor("BCD", (Mandate("committee", COMMUNE),))
UNITS = [
    {"code": "42", "level": "province", "name": "Hà Tĩnh", "parent": None, "valid_from": date(2000, 1, 1)},
    {"code": "446", "level": "district", "name": "Cẩm Xuyên", "parent": "42", "valid_from": date(2000, 1, 1)},
    {"code": "18766", "level": "commune", "name": "Cẩm Duệ", "parent": "446", "valid_from": date(2000, 1, 1)},
    {"code": "01", "level": "village", "name": "Thôn 1", "parent": "18766", "valid_from": date(2000, 1, 1)},
]


def household(number: int, identity: str | None = None, name: str | None = None) -> Household:
    """A household of one person."""
    head = Person(name or f"Nguyễn Văn {number}", "chủ hộ", f"19{number % 90 + 10}-01-02", "male", identity)
    return Household(f"HB-{number:03}", VILLAGE, (head,), "rural", "poor")


def listing(*case_ids: int, **what: object) -> ActRequest:
    """The committee puts cases on the list."""
    return ActRequest("list_managed", case_ids, date(2022, 9, 27), COMMITTEE, **what)  # type: ignore[arg-type]  # test shorthand
