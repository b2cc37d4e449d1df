"""A small commune with its staff, and alerts about its households."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from rasoat.deadlines import releases
from rasoat.foundation.clock import LEGAL_ZONE
from rasoat.foundation.messages import Text
from rasoat.notifications.alerts import Alert
from rasoat.notifications.directory_file import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from rasoat.deadlines.calendar import Calendar
    from rasoat.notifications.directory import StaffDirectory

COMMUNE = "ha-tinh/cam-xuyen/cam-due"


@pytest.fixture(scope="session")
def calendar() -> Calendar:
    return releases.calendar()


@pytest.fixture
def thursday_morning() -> datetime:
    return datetime(2022, 10, 27, 8, 0, tzinfo=LEGAL_ZONE)


@pytest.fixture
def staff() -> dict[str, Any]:
    """The directory file of the commune, as parsed TOML."""
    return {
        "superiors": {"village_head": "commune_committee", "commune_committee": "district_chairman"},
        "person": [
            {"key": "village-head", "name": "Trưởng thôn A", "addresses": {"email": "thon@example.vn"}},
            {"key": "committee", "name": "Cán bộ B", "addresses": {"email": "bcd@example.vn", "inbox": "b"}},
            {
                "key": "deputy",
                "name": "Cán bộ C",
                "language": "en",
                "addresses": {"email": "pho@example.vn"},
            },
            {"key": "district", "name": "Lãnh đạo D", "addresses": {"email": "huyen@example.vn"}},
        ],
        "post": [
            {"person": "village-head", "role": "village_head", "unit": "ha-tinh/cam-xuyen/cam-due/thon-1"},
            {"person": "committee", "role": "commune_committee", "unit": "ha-tinh/cam-xuyen/cam-due"},
            {
                "person": "district",
                "role": "district_chairman",
                "unit": "ha-tinh/cam-xuyen",
                "until": date(2025, 6, 30),
            },
        ],
    }


@pytest.fixture
def directory(staff: dict[str, Any]) -> StaffDirectory:
    return parse(staff)


@pytest.fixture
def alert() -> Callable[..., Alert]:
    """Make the alert that household number `n` of a village has its posting end on 27/10/2022."""

    def make(n: int = 1, village: str = "thon-1", **changes: Any) -> Alert:
        facts: dict[str, Any] = {
            "subject": f"deadline:{village}-{n}",
            "kind": "deadline",
            "rung": "T",
            "severity": "warning",
            "role": "village_head",
            "unit": f"{COMMUNE}/{village}",
            "desk": Text("Ban Chỉ đạo rà soát xã Cẩm Duệ", "Review committee of Cẩm Duệ"),
            "step": Text("Niêm yết kết quả", "Posting of the result"),
            "village": village.replace("thon-", "thôn "),
            "households": (f"{village}-H{n:04}",),
            "due_on": date(2022, 10, 27),
            "article": "QĐ 24/2021/QĐ-TTg Đ4 k4 a",
            "case_link": f"/cases/{n}",
            "list_link": f"/lists/{village}/posting",
        }
        return Alert(**(facts | changes))

    return make
