"""An HTTP API over a small commune: units, households, a round; and clients who hold its offices."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
from anyio.from_thread import start_blocking_portal

from rasoat import FrozenClock, Household, Mandate, Person, Rasoat
from rasoat.persistence.keys import FileKeys, create_key_file
from rasoat.persistence.tokens import NewToken, create
from rasoat.serving import asgi
from rasoat.web import WebSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from anyio.from_thread import BlockingPortal
    from fastapi import FastAPI

__all__ = [
    "COMMUNE",
    "DISTRICT",
    "OTHER_COMMUNE",
    "STARTED",
    "Service",
    "code",
    "household",
    "problem",
    "units_of",
    "village",
]

DISTRICT = "42/446"
COMMUNE = "42/446/18766"
OTHER_COMMUNE = "42/446/18769"
STARTED = date(2022, 9, 26)
_FAR = timedelta(days=3650)
_OFFICES = ("committee", "enumerator", "commune_chair", "village_head", "superior_chair")


def village(number: int, commune: str = COMMUNE) -> str:
    """The path of a commune's village."""
    return f"{commune}/{commune.rpartition('/')[2]}-{number:02d}"


def units_of(villages: int, communes: Sequence[str] = (COMMUNE, OTHER_COMMUNE)) -> list[dict[str, Any]]:
    """A province, a district, communes and their villages."""
    found = [("42", "Tỉnh Mẫu", "province", None), ("446", "Huyện Mẫu", "district", "42")]
    for commune in communes:
        code = commune.rpartition("/")[2]
        found.append((code, f"Xã {code}", "commune", "446"))
        found += [(f"{code}-{n:02d}", f"Thôn {n}", "village", code) for n in range(1, villages + 1)]
    since = date(1900, 1, 1)
    return [
        {"code": code, "name": name, "level": level, "parent": parent, "valid_from": since, "valid_to": None}
        for code, name, level, parent in found
    ]


class _InProcess(httpx.BaseTransport):
    """Calls an ASGI application from a thread that is not its event loop's."""

    def __init__(self, transport: httpx.ASGITransport, portal: BlockingPortal) -> None:
        self._transport = transport
        self._portal = portal

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._portal.call(self._handle, request)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        sent = httpx.Request(request.method, request.url, headers=request.headers, content=request.read())
        answer = await self._transport.handle_async_request(sent)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())


class Service:
    """One engine, its application, and tokens for whoever the test needs."""

    def __init__(self, url: str, folder: Path, settings: WebSettings | None = None, **options: Any) -> None:
        keys = folder / "keys.json"
        if not keys.exists():
            create_key_file(keys)
        self.clock = FrozenClock(datetime(2022, 9, 26, 1, tzinfo=UTC))
        options.setdefault("settings", {"mandates_reach_down": True})
        self.engine = Rasoat.open(url, keys=FileKeys(keys), clock=self.clock, **options)
        generous = settings or WebSettings(requests_per_second=100_000, burst=100_000)
        self.app: FastAPI = asgi(self.engine, generous)

    def plant(self, villages: int = 2, households: int = 3) -> dict[str, int]:
        """Register units and households and open the commune's round; return the case ids by household code."""
        self.engine.register_units(units_of(villages))
        for commune in (COMMUNE, OTHER_COMMUNE):
            known = [household(v, n, commune) for v in range(1, villages + 1) for n in range(1, households + 1)]
            self.engine.register_households(known)
        self.engine.open_round("R-2022", "annual", COMMUNE, STARTED, ends_on=date(2022, 12, 14))
        self.engine.open_round("R-OTHER", "annual", OTHER_COMMUNE, STARTED)
        mine = [code(v, n) for v in range(1, villages + 1) for n in range(1, households + 1)]
        facts = {"origin": "managed"}
        self.engine.put_forward("R-OTHER", {code(1, 1, OTHER_COMMUNE): facts}, STARTED)
        return dict(self.engine.put_forward("R-2022", dict.fromkeys(mine, facts), STARTED).case_ids)

    def token(
        self,
        name: str = "CB-01",
        *mandates: Mandate,
        scopes: tuple[str, ...] = ("read", "act"),
        acts_for: tuple[str, ...] = (),
        lasts: timedelta = _FAR,
    ) -> str:
        """The text of a new token; without mandates, one for every office of the district."""
        held = mandates or tuple(Mandate(office, DISTRICT) for office in _OFFICES)
        now = self.clock.now()
        with self.engine.transaction() as tx:
            asked = NewToken(name, scopes, held, acts_for, now + lasts)
            return create(tx, self.engine.ids.take(1)[0], asked, now)[1]

    @contextmanager
    def client(
        self, token: str | None = None, *, address: str = "127.0.0.1", app: Any = None
    ) -> Iterator[httpx.Client]:
        """A client of the application (or of the one it is mounted in), called in this process."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        with start_blocking_portal() as portal:
            transport = _InProcess(httpx.ASGITransport(app or self.app, client=(address, 5)), portal)
            with httpx.Client(transport=transport, base_url="http://api.test", headers=headers) as client:
                yield client

    def at(self, moment: datetime) -> None:
        """Let the clock stand at `moment`, or where it is if that has passed."""
        self.clock.move_to(max(moment, self.clock.now()))

    def close(self) -> None:
        """Close the engine's connections."""
        self.engine.close()


def code(village_number: int, number: int, commune: str = COMMUNE) -> str:
    """A household's code."""
    return f"{commune.rpartition('/')[2]}-{village_number:02d}-{number:03d}"


def household(village_number: int, number: int, commune: str = COMMUNE) -> Household:
    """A made-up household of one person."""
    own = code(village_number, number, commune)
    head = Person(f"Nguyễn Văn {own}", "chủ hộ", f"19{number % 60 + 20}-02-03", "male", _identity(own))
    return Household(own, village(village_number, commune), (head,), "rural", "poor" if number % 2 else "near_poor")


def _identity(own: str) -> str:
    return "".join(c for c in own if c.isdecimal())[:12].zfill(12)


def problem(answer: httpx.Response) -> dict[str, Any]:
    """The problem details of an answer."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    found: dict[str, Any] = answer.json()
    assert found["status"] == answer.status_code
    assert found["reason"]["vi"]
    assert found["reason"]["en"]
    return found
