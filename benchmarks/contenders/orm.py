"""The tables that the ORM contenders share: case, history, deadline, as a tutorial would map them."""

from __future__ import annotations

from sqlalchemy import create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from benchmarks.contenders.workload import CLOSES, DAY, OPENS, PAYLOAD


class Base(DeclarativeBase):
    pass


class Case(Base):
    __tablename__ = "tutorial_case"
    id: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[str]


class History(Base):
    __tablename__ = "tutorial_history"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(index=True)
    trigger: Mapped[str]
    payload: Mapped[str]


class Deadline(Base):
    __tablename__ = "tutorial_deadline"
    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(index=True)
    rule: Mapped[str]
    due_on: Mapped[str] = mapped_column(index=True)
    closed: Mapped[bool] = mapped_column(default=False)


def sessions(path: str) -> sessionmaker[Session]:
    """Open the file with the engine's own durability: WAL and synchronous=FULL."""
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def _configure(connection: object, _record: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")  # type: ignore[attr-defined]  # a sqlite3.Connection

    Base.metadata.create_all(engine)
    return sessionmaker(engine)


def note(session: Session, case: Case, trigger: str) -> None:
    """Write what every step writes beside the state."""
    session.add(History(case_id=case.id, trigger=trigger, payload=PAYLOAD))
    if trigger in OPENS:
        session.add(Deadline(case_id=case.id, rule=OPENS[trigger], due_on=DAY))
    if trigger in CLOSES:
        found = session.query(Deadline).filter_by(case_id=case.id, rule=CLOSES[trigger], closed=False).one()
        found.closed = True
