"""The settings file of `rasoat serve`: TOML with the names of `WebSettings`, OIDC under ``[oidc]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from ..foundation.errors import InputError
from ..foundation.files import read_toml
from ..foundation.fitting import misfit
from ..foundation.messages import Text, fault, joined, located
from .settings import WebSettings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_settings"]


def read_settings(path: Path) -> WebSettings:
    """Return the settings in a file; `InputError` names every key that is unknown or does not fit."""
    given = read_toml(path, InputError)
    if "open_to_all" in given:
        raise fault(InputError, "serving.open", path=path)
    try:
        return TypeAdapter(WebSettings).validate_python(given)
    except ValidationError as error:
        found = [(".".join(map(str, each["loc"])), misfit(each)) for each in error.errors(include_url=False)]
        faults = [Text(f"{place}: {said.vi}", f"{place}: {said.en}") for place, said in found]
        raise located(path, joined(faults), InputError) from error
