"""How far a long command has come: a bar on a terminal, nothing where nobody watches or a program reads."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["counting", "progress"]


@contextmanager
def counting(title: str, total: int | None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """Show a bar on standard error while the block runs; it is told how many are done so far.

    Without a total it only shows that something goes on, and how many. `quiet` where the answer is for a program.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal, transient=True) as shown:
        task = shown.add_task(title, total=total)
        yield lambda done: shown.update(task, completed=done)


@contextmanager
def progress(what: str, total: int | None = None, *, quiet: bool) -> Iterator[Callable[[int], None]]:
    """As `counting`, with the words that the catalogue has for `what`, in the language of the command."""
    from ..foundation.messages import text
    from ._speaking import spoken

    with counting(text(f"progress.{what}").within(spoken()), total, quiet=quiet) as told:
        yield told
