"""Unit paths: codes from the province down, ``42/446/18766/01``. The district is absent since 01/07/2025."""

from __future__ import annotations

from .errors import InputError
from .messages import fault

__all__ = ["LEVELS", "at_level", "below", "level_of", "parent"]

LEVELS = ("province", "district", "commune", "village")
_WITH_DISTRICT = 4


def at_level(village_path: str, level: str) -> str:
    """Return the part of a village's path that is its commune, district or province.

    `InputError` if the path has no such level (a district after 30/06/2025).
    """
    parts = village_path.split("/")
    if level == "village":
        return village_path
    if level == "commune":
        return "/".join(parts[:-1])
    if level == "province":
        return parts[0]
    if level == "district" and len(parts) == _WITH_DISTRICT:
        return "/".join(parts[:2])
    raise fault(InputError, "found.no_level", village_path=village_path, level=level)


def level_of(path: str, *, districts: bool) -> str:
    """Return the level at which `path` ends, under a tree with or without districts."""
    levels = LEVELS if districts else tuple(level for level in LEVELS if level != "district")
    depth = path.count("/")
    if depth >= len(levels):
        raise fault(InputError, "found.too_deep", path=path, levels=" / ".join(levels))
    return levels[depth]


def parent(path: str) -> str | None:
    """Return the path of the unit above, or None above a province."""
    return path.rpartition("/")[0] or None


def below(path: str) -> tuple[str, str]:
    """Return the half-open range of strings that holds every path under `path` (not itself)."""
    return path + "/", path + "0"
