"""Packages of the extra `notify`, imported only when they are used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ..foundation.errors import RasoatError
from ..foundation.messages import fault

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["MissingExtraError", "require"]


class MissingExtraError(RasoatError, ImportError):
    """A package of an optional extra is not installed."""

    code = "missing_extra"


def require(module: str, *, purpose: str) -> ModuleType:
    """Return the imported `module`; `MissingExtraError` that names the extra if it is not installed."""
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        raise fault(MissingExtraError, "sending.extra", purpose=purpose, package=package) from error
