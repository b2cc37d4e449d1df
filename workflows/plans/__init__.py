"""Campaign plans (kế hoạch rà soát) as data: read, checked, turned into deadlines, planned backward."""

from __future__ import annotations

from .checking import check_plan, has_errors
from .dates import DateExpression, Kind, parse, vietnamese
from .findings import SEVERITIES, Finding, Severity, Span
from .law import CampaignLaw, known_years, law_of
from .loading import find_plan, load_plan, shipped_plans
from .model import Act, Duty, LegalDocument, Level, Milestone, MilestoneDeadline, PartialDate, Plan, Remark, Source

__all__ = [
    "SEVERITIES",
    "Act",
    "CampaignLaw",
    "DateExpression",
    "Duty",
    "Finding",
    "Kind",
    "LegalDocument",
    "Level",
    "Milestone",
    "MilestoneDeadline",
    "PartialDate",
    "Plan",
    "Remark",
    "Severity",
    "Source",
    "Span",
    "check_plan",
    "find_plan",
    "has_errors",
    "known_years",
    "law_of",
    "load_plan",
    "parse",
    "shipped_plans",
    "vietnamese",
]
