"""Refusals and faults as problem details (RFC 9457): a code for programs, the reason in both languages, the article."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeVar

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException

from ..engine.values import Refusal
from ..foundation.errors import (
    CalendarError,
    ConflictError,
    IdempotencyError,
    InputError,
    IntegrityError,
    NotFoundError,
    PermissionDeniedError,
    RasoatError,
    StorageError,
)
from ..foundation.fitting import misfit
from ..foundation.logs import Log
from ..foundation.messages import Text, text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fastapi import FastAPI, Request

__all__ = ["PROBLEM", "Problem", "ProblemError", "RefusalOut", "TextOut", "answer", "install", "refused", "retry_after"]

log = Log("rasoat.web")
E = TypeVar("E", bound=Exception)
PROBLEM = "application/problem+json"
_LARGEST_ECHO = 500


class TextOut(BaseModel):
    """A sentence in Vietnamese and English."""

    vi: str
    en: str

    @classmethod
    def of(cls, words: Text) -> TextOut:
        """Return a catalogue text as JSON shows it; what it quotes of a request is cut and made printable."""
        return cls(vi=_printable(words.vi), en=_printable(words.en))


class RefusalOut(BaseModel):
    """Why an act was not done, and to which cases: the same reason is told once, however many cases share it."""

    cases: list[str]
    code: str
    reason: TextOut
    article: str

    @classmethod
    def grouped(cls, refusals: Sequence[Refusal]) -> list[RefusalOut]:
        """Return refusals as JSON shows them, in the order in which each reason first came up."""
        found: dict[tuple[str, str, Text], list[str]] = {}
        for refusal in refusals:
            same = found.setdefault((refusal.code, refusal.article, refusal.reason), [])
            same += [] if refusal.case_id is None else [str(refusal.case_id)]
        return [
            cls(cases=cases, code=code, reason=TextOut.of(reason), article=article)
            for (code, article, reason), cases in found.items()
        ]


class Problem(BaseModel):
    """Problem details (RFC 9457). `type` is a name for `code`; a client decides by `code`."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    reason: TextOut
    retryable: bool
    detail: str | None = None
    article: str | None = None
    refusals: list[RefusalOut] | None = None
    errors: list[dict[str, Any]] | None = Field(None, description="Faulty fields or rows, each with its place.")
    errors_left_out: int | None = Field(None, description="Faulty rows beyond those listed.")


class ProblemError(Exception):
    """Ends a request with problem details: `message` names an entry of the catalogue (``web.…``)."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        detail: str | None = None,
        headers: Mapping[str, str] | None = None,
        retryable: bool = False,
        fields: Mapping[str, object] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = message.removeprefix("web.")
        self.reason = text(message, **(fields or {}))
        self.detail = detail
        self.headers = dict(headers or {})
        self.retryable = retryable
        self.more = more


def answer(problem: ProblemError) -> JSONResponse:
    """Return the response that a problem becomes."""
    body = {
        "type": f"urn:rasoat:problem:{problem.code}",
        "title": _printable(problem.reason.en),
        "status": problem.status,
        "code": problem.code,
        "reason": TextOut.of(problem.reason).model_dump(),
        "retryable": problem.retryable,
        "detail": None if problem.detail is None else _printable(problem.detail),
        **problem.more,
    }
    kept = {key: value for key, value in body.items() if value is not None}
    return JSONResponse(kept, problem.status, headers=problem.headers, media_type=PROBLEM)


def refused(refusals: Sequence[Refusal]) -> ProblemError:
    """Return the problem of an act that moved nothing: 422 if its form does not fit, else 409.

    One reason shared by all is told as the problem's own; every reason stands under `refusals`, with its cases.
    """
    status = 422 if all(r.code == "refused.form" for r in refusals) else 409
    listed = [each.model_dump() for each in RefusalOut.grouped(refusals)]
    problem = ProblemError(status, "web.refused", fields={"count": len(refusals)}, refusals=listed)
    if len({(r.code, r.article) for r in refusals}) == 1:
        problem.code, problem.reason = refusals[0].code, refusals[0].reason
        problem.more["article"] = refusals[0].article
    return problem


def install(app: FastAPI) -> None:
    """Let every exception of `app` end as problem details."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RasoatError, _on_fault)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(PoolTimeoutError, _on_pool)
    app.add_exception_handler(Exception, _on_unexpected)


# In the order they are tried: a kind stands before the kind it belongs to.
_STATUSES: tuple[tuple[type[RasoatError], int], ...] = (
    (ConflictError, 409),
    (IntegrityError, 500),
    (StorageError, 503),
    (IdempotencyError, 422),
    (PermissionDeniedError, 403),
    (NotFoundError, 404),
    (CalendarError, 422),
    (InputError, 422),
)
_KNOWN = frozenset(
    {"input", "rows_refused", "not_found", "calendar", "definition", "storage", "conflict", "integrity"}
    | {"idempotency", "permission"}
)


def _of_fault(fault: RasoatError) -> ProblemError:
    status = next((status for kind, status in _STATUSES if isinstance(fault, kind)), 500)
    told = status < 500 and not isinstance(fault, StorageError)  # noqa: PLR2004  a database's own words stay in the log
    problem = ProblemError(
        status,
        f"web.{fault.code if fault.code in _KNOWN else 'error'}",
        detail=str(fault) if told else None,
        headers={"Retry-After": "1"} if fault.retryable or status == 503 else {},  # noqa: PLR2004  as above
        retryable=fault.retryable or status == 503,  # noqa: PLR2004  as above
        article=fault.article,
    )
    problem.code = fault.code
    if told and fault.vi is not None:
        problem.reason = _reason(problem.reason, Text(fault.vi, str(fault)), absent=isinstance(fault, NotFoundError))
    return problem


def _reason(kind: Text, said: Text, *, absent: bool) -> Text:
    """Return what a fault says; of what is not there, that it may as well lie outside the caller's mandates."""
    return Text(f"{kind.vi} {said.vi}", f"{kind.en} {said.en}") if absent else said


async def _on_problem(_request: Request, error: Exception) -> JSONResponse:
    return answer(_as(error, ProblemError))


async def _on_fault(request: Request, error: Exception) -> JSONResponse:
    fault = _as(error, RasoatError)
    problem = _of_fault(fault)
    if problem.status >= 500:  # noqa: PLR2004  a fault of ours
        log.error("request_failed", path=request.url.path, code=fault.code, error=str(fault))
    return answer(problem)


async def _on_validation(_request: Request, error: Exception) -> JSONResponse:
    # What stood in a field is not repeated: it may be a name or an identity number.
    faults = [
        {
            "place": _printable(".".join(map(str, fault["loc"]))),
            "expected": TextOut.of(misfit(fault)).model_dump(),
            "code": fault["type"],
        }
        for fault in _as(error, RequestValidationError).errors()
    ]
    return answer(ProblemError(422, "web.input", errors=faults))


async def _on_http(_request: Request, error: Exception) -> JSONResponse:
    found = _as(error, HTTPException)
    code = {401: "web.unauthenticated", 404: "web.not_found", 413: "web.too_large"}.get(found.status_code, "web.http")
    headers = dict(found.headers or {})
    return answer(
        ProblemError(
            found.status_code, code, detail=str(found.detail), headers=headers, fields={"status": found.status_code}
        )
    )


async def _on_pool(_request: Request, _error: Exception) -> JSONResponse:
    return answer(ProblemError(503, "web.storage", retryable=True, headers={"Retry-After": "1"}))


async def _on_unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request_crashed", path=request.url.path, error=type(error).__name__)
    return answer(ProblemError(500, "web.unexpected"))


def retry_after(seconds: float) -> dict[str, str]:
    """Return the header that says when to come again: whole seconds, at least one."""
    return {"Retry-After": str(max(1, math.ceil(seconds)))}


def _printable(words: str) -> str:
    return words[:_LARGEST_ECHO].encode("utf-8", "replace").decode()


def _as(error: Exception, kind: type[E]) -> E:
    if not isinstance(error, kind):  # starlette hands each handler what it was registered for
        raise error
    return error
