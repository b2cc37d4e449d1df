"""Lists as JSON, CSV or a workbook, by what the client accepts."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from fastapi import Response
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from pydantic import BaseModel, Field

from .problems import ProblemError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from fastapi import Request
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

__all__ = ["AS_TABLE", "CSV", "JSON", "XLSX", "Page", "listed", "next_cursor"]

JSON = "application/json"
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_OFFERED = (JSON, CSV, XLSX)
AS_TABLE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {CSV: {"schema": {"type": "string"}}, XLSX: {"schema": {"type": "string", "format": "binary"}}},
        "headers": {"Link": {"description": 'The next page: <…>; rel="next"', "schema": {"type": "string"}}},
    }
}
# What a spreadsheet program would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")

T = TypeVar("T", bound=BaseModel)
R = TypeVar("R")


class Page(BaseModel, Generic[T]):
    """One page of a list; `next` is the cursor of the page after it, null on the last."""

    items: list[T]
    next: str | None = Field(None, description="Cursor of the next page")


def next_cursor(rows: Sequence[R], limit: int, cursor: Callable[[R], str]) -> str | None:
    """Return the cursor after `limit` rows; one row more than that was asked for, to tell whether there is more."""
    return cursor(rows[limit - 1]) if len(rows) > limit else None


def listed(request: Request, model: type[T], items: Sequence[T], cursor: str | None) -> Response:
    """Answer with a page in the form the client accepts; columns of a table are the fields of `model`."""
    form = _chosen(request.headers.get("accept", "*/*"))
    headers = _next_link(request, cursor)
    if form == JSON:
        page = Page[model](items=list(items), next=cursor)  # type: ignore[valid-type]  # a type made at run time
        return Response(page.model_dump_json(by_alias=True), media_type=JSON, headers=headers)
    rows = [_flat(item.model_dump(mode="json", by_alias=True)) for item in items]
    columns = list(dict.fromkeys([*_columns(model), *(name for row in rows for name in row)]))
    content = _as_csv(columns, rows) if form == CSV else _as_workbook(columns, rows)
    return Response(content, media_type=form, headers=headers)


def _next_link(request: Request, cursor: str | None) -> dict[str, str]:
    if cursor is None:
        return {}
    url = request.url.include_query_params(cursor=cursor)
    return {"Link": f'<{url.path}?{url.query}>; rel="next"'}


def _chosen(accept: str) -> str:
    """Return the best of the forms offered; the client's weight counts, then our own order."""
    weights = list(_weights(accept))
    best, chosen = 0.0, ""
    for form in _OFFERED:
        weight = _weight_of(form, weights)
        if weight > best:
            best, chosen = weight, form
    if not chosen:
        raise ProblemError(406, "web.not_acceptable", fields={"offered": ", ".join(_OFFERED)})
    return chosen


def _weights(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        media, *parameters = (word.strip().lower() for word in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            yield media, min(max(float(quality), 0.0), 1.0)
        except ValueError:
            yield media, 0.0


def _weight_of(form: str, weights: Sequence[tuple[str, float]]) -> float:
    """Return the weight that the most telling range gives a form."""
    for wanted in (form, form.split("/", maxsplit=1)[0] + "/*", "*/*"):
        found = [weight for media, weight in weights if media == wanted]
        if found:
            return max(found)
    return 0.0


def _columns(model: type[BaseModel]) -> list[str]:
    """Return the plain fields of a model, so that an empty list still has its headings."""
    fields = model.model_fields.items()
    return [field.serialization_alias or name for name, field in fields if not _is_nested(field.annotation)]


def _is_nested(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = _cell(value)
    return flat


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return "; ".join(", ".join(map(str, v.values())) if isinstance(v, dict) else str(v) for v in value)
    return value


def _as_csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Write UTF-8 with a byte-order mark, which Excel needs to show Vietnamese."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_inert(row.get(name)) for name in columns] for row in rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _inert(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _as_workbook(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("rasoat")
    sheet.append([_text_cell(sheet, name) for name in columns])
    for row in rows:
        sheet.append([_text_cell(sheet, row.get(name)) for name in columns])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _text_cell(sheet: WriteOnlyWorksheet, value: Any) -> Any:
    cell: Any = WriteOnlyCell(sheet)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # text stays text, whatever it begins with
    return cell
