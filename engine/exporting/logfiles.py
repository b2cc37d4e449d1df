"""Event logs as files: XES (IEEE 1849) and CSV, written while the traces stream by."""

from __future__ import annotations

import csv
from typing import IO, TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from ...foundation.clock import LEGAL_ZONE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from .eventlog import LogEvent, Trace

__all__ = ["COLUMNS", "write_csv", "write_xes"]

_EXTENSIONS = (("Concept", "concept"), ("Time", "time"), ("Organizational", "org"), ("Lifecycle", "lifecycle"))
COLUMNS = (
    "case", "unit", "workflow", "class_before", "class_after", "seq", "activity", "label", "kind",
    "from_state", "to_state", "occurred_on", "recorded_at", "actor", "role", "act",
)  # fmt: skip


def write_xes(traces: Iterable[Trace], out: IO[str], *, name: str) -> int:
    """Write a log as XES; return the number of traces. Time is when an event was entered, in legal time."""
    out.write(
        '<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1849.2016" xmlns="http://www.xes-standard.org/">\n'
    )
    for extension, prefix in _EXTENSIONS:
        uri = f"http://www.xes-standard.org/{prefix}.xesext"
        out.write(f'<extension name="{extension}" prefix="{prefix}" uri="{uri}"/>\n')
    out.write('<global scope="trace"><string key="concept:name" value=""/></global>\n')
    out.write('<global scope="event"><string key="concept:name" value=""/>')
    out.write('<date key="time:timestamp" value="1970-01-01T00:00:00+00:00"/></global>\n')
    out.write('<classifier name="act" keys="concept:name"/>\n<classifier name="label" keys="rasoat:label"/>\n')
    out.write(_attribute("string", "concept:name", name) + "\n")
    written = 0
    for trace in traces:
        out.write(_trace(trace))
        written += 1
    out.write("</log>\n")
    return written


def write_csv(traces: Iterable[Trace], out: IO[str]) -> int:
    """Write a log as CSV, one line an event; return the number of traces."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    written = 0
    for trace in traces:
        case = trace.case
        own = (case.id, case.unit_path)
        classes = (case.class_before, case.class_after or "")
        for e in trace.events:
            what = (e.seq, e.activity, e.label, e.kind, e.from_state, e.to_state)
            who = (e.actor, e.role, "" if e.act_id is None else e.act_id)
            writer.writerow([*own, e.workflow, *classes, *what, e.occurred_on, _instant(e.recorded_at), *who])
        written += 1
    return written


def _trace(trace: Trace) -> str:
    case = trace.case
    attributes = [
        _attribute("string", "concept:name", str(case.id)),
        _attribute("string", "rasoat:unit", case.unit_path),
        _attribute("string", "rasoat:workflow", case.workflow),
        _attribute("string", "rasoat:state", case.state),
        _attribute("string", "rasoat:class_before", case.class_before),
        _attribute("string", "rasoat:class_after", case.class_after or ""),
    ]
    return "\n".join(["<trace>", *attributes, *(_event(e) for e in trace.events), "</trace>"]) + "\n"


def _event(event: LogEvent) -> str:
    attributes = [
        _attribute("string", "concept:name", event.activity),
        _attribute("date", "time:timestamp", _instant(event.recorded_at)),
        _attribute("string", "lifecycle:transition", "complete"),
        _attribute("string", "org:resource", event.actor),
        _attribute("string", "org:role", event.role),
        _attribute("string", "rasoat:label", event.label),
        _attribute("string", "rasoat:kind", event.kind),
        _attribute("string", "rasoat:workflow", event.workflow),
        _attribute("string", "rasoat:from", event.from_state),
        _attribute("string", "rasoat:to", event.to_state),
        _attribute("string", "rasoat:occurred_on", event.occurred_on.isoformat()),
        _attribute("int", "rasoat:seq", str(event.seq)),
    ]
    return "<event>" + "".join(attributes) + "</event>"


def _attribute(kind: str, key: str, value: str) -> str:
    return f'<{kind} key="{key}" value={quoteattr(value)}/>'


def _instant(instant: datetime) -> str:
    return instant.astimezone(LEGAL_ZONE).isoformat()
