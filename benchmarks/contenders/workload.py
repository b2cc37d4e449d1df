"""The work every contender does: seven steps a case, each a new state and a history row; two of them with a deadline.

No contender checks forms, mandates or votes, tells anybody, or chains its history: they do less than the engine.
"""

from __future__ import annotations

STATES = ("registered", "listed", "surveyed", "agreed", "posted", "settled", "summarised", "recognised")
TRIGGERS = ("list_managed", "survey", "meet", "post", "posting_ended", "summarise", "recognise")
OPENS = {"post": "posting", "summarise": "opinion"}
CLOSES = {"posting_ended": "posting", "recognise": "opinion"}
PAYLOAD = '{"area":"rural","b1":120,"b2":30,"respondent":"head","surveyor":"rsv1"}'
DAY = "2022-10-24"


def arrows() -> list[tuple[str, str, str]]:
    """Return every (trigger, from, to)."""
    return [(trigger, STATES[i], STATES[i + 1]) for i, trigger in enumerate(TRIGGERS)]
