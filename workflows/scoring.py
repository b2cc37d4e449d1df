"""Phiếu A and Phiếu B as tables that are loaded: the official ones are not in the project's sources.

A deployment brings the table of its area as a file, TOML or CSV; it is checked whole before it scores anything.
Without one, the totals that the enumerator signed are taken as they are (doubt D10).

TOML::

    key = "b-rural-north"
    area = "rural"            # or "urban"; left out in a Phiếu A
    form = "B"                # "A" counts signs, "B" adds points
    source = "…"

    [[question]]
    key = "roof"
    total = "b1"              # "b1" or "b2"; a Phiếu A has "signs"
    label = { vi = "…", en = "…" }
    answers = { straw = 0, tile = 10 }

CSV: columns ``form, area, question, total, vi, en, answer, points``, one line an answer.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from ..foundation.errors import InputError
from ..foundation.files import parse_toml, read_utf8
from ..foundation.messages import Text, fault, joined, located, text
from ..foundation.text import nfc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["Question", "Scorecard", "Sheet", "load_scorecard"]

_SIGNS = 9  # Phiếu A has the columns 01 to 09 (TT 07/2021/TT-BLĐTBXH)
_POINTS_AN_INDICATOR = 10  # Phiếu B: "10 điểm tương đương 01 chỉ số"
_INDICATORS = 12  # NĐ 07/2021/NĐ-CP
_COLUMNS = ("form", "area", "question", "total", "vi", "en", "answer", "points")


class Sheet(StrEnum):
    """Which form a table scores: Phiếu A counts signs, Phiếu B adds points."""

    A = "A"
    B = "B"


@dataclass(frozen=True, slots=True)
class Question:
    """One question: the total its points go to, and the points of each answer."""

    key: str
    label: Text
    total: str
    answers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A scoring table, checked."""

    key: str
    sheet: Sheet
    area: str
    source: str
    questions: tuple[Question, ...]

    def score(self, answers: Mapping[str, str]) -> dict[str, Any]:
        """Return the totals of a filled-in form: ``signs``, or ``b1``, ``b2`` and ``area``.

        `InputError` names every question without an answer, every answer the table does not know,
        and every question it does not ask. Nothing is scored by halves.
        """
        faults = [*self._unanswered(answers), *self._unknown(answers)]
        if faults:
            raise located(self.key, joined(faults), InputError)
        totals: Counter[str] = Counter(dict.fromkeys(_totals(self.sheet), 0))
        for question in self.questions:
            totals[question.total] += question.answers[answers[question.key]]
        return {**totals, **({"area": self.area} if self.area else {})}

    def _unanswered(self, answers: Mapping[str, str]) -> Iterable[Text]:
        return (text("score.unanswered", key=q.key) for q in self.questions if q.key not in answers)

    def _unknown(self, answers: Mapping[str, str]) -> Iterable[Text]:
        known = {question.key: question for question in self.questions}
        for key, answer in answers.items():
            if key not in known:
                yield text("score.unasked", key=key)
            elif answer not in known[key].answers:
                yield text("score.among", key=key, answer=answer, known=", ".join(known[key].answers))


def load_scorecard(path: Path) -> Scorecard:
    """Read a scoring table from a ``.toml`` or ``.csv`` file; `InputError` names every fault of it."""
    read = read_utf8(path)
    table = _from_csv(read, path) if path.suffix.lower() == ".csv" else parse_toml(read, path.name, InputError)
    card, faults = _built(table, path.stem)
    faults += _faults(card)
    if faults:
        raise located(path.name, joined(faults), InputError)
    return card


def _from_csv(read: str, path: Path) -> dict[str, Any]:
    reader = csv.DictReader(io.StringIO(read))
    if tuple(reader.fieldnames or ()) != _COLUMNS:
        raise fault(
            InputError,
            "scoring.columns",
            path=path.name,
            columns=", ".join(_COLUMNS),
            heading=", ".join(reader.fieldnames or ()),
        )
    questions: dict[str, dict[str, Any]] = {}
    heads = set()
    for number, line in enumerate(reader, start=2):
        heads.add((line["form"], line["area"]))
        question = questions.setdefault(
            line["question"],
            {
                "key": line["question"],
                "total": line["total"],
                "label": {"vi": line["vi"], "en": line["en"]},
                "answers": {},
            },
        )
        if line["answer"] in question["answers"]:
            raise fault(
                InputError,
                "scoring.twice",
                path=path.name,
                number=number,
                answer=line["answer"],
                question=line["question"],
            )
        question["answers"][line["answer"]] = _points(line["points"], path, number)
    if len(heads) != 1:
        raise fault(InputError, "scoring.one_form", path=path.name, count=len(heads))
    form, area = heads.pop()
    return {"key": path.stem, "form": form, "area": area, "source": path.name, "question": list(questions.values())}


def _points(given: str, path: Path, number: int) -> int:
    try:
        return int(given)
    except ValueError as error:
        raise fault(InputError, "scoring.points", path=path.name, number=number, given=given) from error


def _built(table: Mapping[str, Any], name: str) -> tuple[Scorecard, list[Text]]:
    unknown = set(table) - {"key", "form", "area", "source", "question"}
    faults = [text("score.unknown", key=key) for key in sorted(unknown)]
    form = table.get("form")
    if form not in set(Sheet):
        faults.append(text("score.form", form=repr(form)))
    questions = []
    for number, given in enumerate(table.get("question", []), start=1):
        question, wrong = _question(given, number)
        questions.append(question)
        faults += wrong
    sheet = Sheet(form) if form in set(Sheet) else Sheet.B
    card = Scorecard(
        str(table.get("key", name)), sheet, str(table.get("area", "")), str(table.get("source", "")), tuple(questions)
    )
    return card, faults


def _question(given: Mapping[str, Any], number: int) -> tuple[Question, list[Text]]:
    key, label, answers = str(given.get("key", "")), given.get("label", {}), given.get("answers", {})
    faults = [] if key else [text("score.no_key", number=number)]
    where = repr(key or number)
    if not (label.get("vi") and label.get("en")):
        faults.append(text("score.label", where=where))
    if not answers:
        faults.append(text("score.no_answers", where=where))
    for answer, points in answers.items():
        if not isinstance(points, int) or isinstance(points, bool) or points < 0:
            faults.append(text("score.points", where=where, answer=answer, points=repr(points)))
    told = Text(nfc(str(label.get("vi", ""))), nfc(str(label.get("en", ""))))
    whole = {str(answer): points for answer, points in answers.items() if isinstance(points, int)}
    return Question(key, told, str(given.get("total", "")), whole), faults


def _faults(card: Scorecard) -> list[Text]:
    """Check what the law says of the forms: columns, points an indicator, areas."""
    faults = [
        text("score.question_twice", key=key) for key, n in Counter(q.key for q in card.questions).items() if n > 1
    ]
    faults += [
        text("score.total", key=q.key, total=q.total, known=" or ".join(_totals(card.sheet)))
        for q in card.questions
        if q.total not in _totals(card.sheet)
    ]
    return faults + (_faults_of_a(card) if card.sheet is Sheet.A else _faults_of_b(card))


def _faults_of_a(card: Scorecard) -> list[Text]:
    faults = [] if len(card.questions) == _SIGNS else [text("score.signs", count=_SIGNS, found=len(card.questions))]
    marks = [q.key for q in card.questions if set(q.answers.values()) != {0, 1}]
    return faults + [text("score.sign", key=key) for key in marks]


def _faults_of_b(card: Scorecard) -> list[Text]:
    faults = [] if card.area in {"rural", "urban"} else [text("score.area", given=card.area)]
    given = {question.total for question in card.questions}
    faults += [text("score.no_points", total=total) for total in ("b1", "b2") if total not in given]
    deprived = [q for q in card.questions if q.total == "b2"]
    faults += [
        text("score.indicator", key=q.key, points=_POINTS_AN_INDICATOR)
        for q in deprived
        if not set(q.answers.values()) <= {0, _POINTS_AN_INDICATOR}
    ]
    if len(deprived) > _INDICATORS:
        faults.append(text("score.indicators", count=_INDICATORS, found=len(deprived)))
    return faults


def _totals(sheet: Sheet) -> tuple[str, ...]:
    return ("signs",) if sheet is Sheet.A else ("b1", "b2")
