"""One row of the host for each survey it sends to the engine."""

from django.db import models


class Visit(models.Model):
    """A home visit; `case_id` is the engine's case."""

    case_id = models.BigIntegerField(unique=True)
    note = models.TextField()

    def __str__(self) -> str:
        return f"visit to case {self.case_id}"
