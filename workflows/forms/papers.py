"""The papers a procedure leaves behind: lists (Phụ lục I, VI), certificate (Mẫu 03). They do name persons.

Columns of Phụ lục VI as commune offices fill them in; a column that the sources do not show is not here.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 - pydantic reads the annotation at run time
from typing import Annotated, Literal

from pydantic import Field

from .base import FormModel, Words

__all__ = ["CertificatePaper", "ListEntry", "PoorListEntry", "ReviewListEntry"]

IdentityNumber = Annotated[str, Field(pattern=r"^(\d{9}|\d{12})$")]


class ReviewListEntry(FormModel):
    """One household of the list to be reviewed (Phụ lục I)."""

    head: Words
    address: Words
    origin: Literal["managed", "request"]


class ListEntry(FormModel):
    """One household that left the list of the poor or near-poor (Phụ lục VI, sheets 2 and 3)."""

    head: Words
    sex: Literal["male", "female"]
    born_on: date | None = None
    identity_number: IdentityNumber | None = None
    ethnicity: Words | None = None
    address: Words
    b1: Annotated[int, Field(ge=0, le=1_000, strict=True)]
    b2: Annotated[int, Field(ge=0, le=120, multiple_of=10, strict=True)]
    note: Words | None = None


class PoorListEntry(FormModel):
    """One person of the list of poor and near-poor households (Phụ lục VI, sheet 1)."""

    head: Words
    member: Words
    relation: Words
    born_on: date | None = None
    sex: Literal["male", "female"]
    identity_number: IdentityNumber | None = None
    province: Words
    commune: Words
    commune_code: Words
    village: Words
    ethnicity: Words
    household_class: Literal["poor", "near_poor"]
    decision: Words
    decided_on: date
    b1: Annotated[int, Field(ge=0, le=1_000, strict=True)]
    b2: Annotated[int, Field(ge=0, le=120, multiple_of=10, strict=True)]
    ethnic_minority: bool = False
    unable_to_work: bool = False
    of_merit: bool = False
    cause: (
        Literal["land", "capital", "labour", "tools", "knowledge", "skills", "illness_or_accident", "other"] | None
    ) = None


class CertificatePaper(FormModel):
    """Giấy chứng nhận hộ nghèo, hộ cận nghèo (Mẫu 03), numbered ``…/GCN-HN.HCN``."""

    number: Annotated[str, Field(pattern=r"^.+/GCN-HN\.HCN$")]
    head: Words
    address: Words
    household_class: Literal["poor", "near_poor"]
    decision: Words
    issued_on: date
