"""Every kind of message there is. Each has a template in both languages (a test holds this)."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = ["KINDS", "Kind"]

Kind = Literal[
    "deadline",  # a rung of the ladder: T-2, T-1, T, T+1, T+3, T+5, told by the working days left
    "breach",  # a term ran out unmet; an event that nothing erases
    "calendar_change",  # a calendar release moved the last day
    "act_waiting",  # a case waits for someone's act
    "migration_done",  # cases were moved to another definition
    "job_stalled",  # a job of the worker failed or has not run
    "digest",  # the morning's list, or the catch-up after a backlog
    "weekly_summary",  # on-time rates by unit, for the committee
    "delay_notice",  # phiếu xin lỗi và hẹn lại ngày trả kết quả, drafted for signature
    "channel_test",  # sent by hand to try a channel
]
KINDS: tuple[Kind, ...] = get_args(Kind)
