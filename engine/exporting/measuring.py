"""How wide a text will be, without a font at hand: DejaVu Sans' advance widths, which is among the widest faces."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

__all__ = ["width_of", "wrapped"]

# In thousandths of the font's size, by the classes into which the face's letters fall.
_CLASSES = (
    (" ijlI|!.,:;'‘’", 330),
    ("frt()[]/-·", 410),
    ("cksvxyzJ–", 570),
    ("mwMW@%—…→↺◷①②③④⑤⑥⑦⑧⑨", 980),
    ("GOQDHNUK&", 770),
    ("<>=+~≥≤", 838),
)
_WIDTHS = {letter: width for letters, width in _CLASSES for letter in letters}
_LOWER, _UPPER, _BOLD = 625, 690, 1.1


@lru_cache(maxsize=8192)
def width_of(line: str, size: float, *, bold: bool = False) -> float:
    """Return the width of a line in the units of `size`; Vietnamese letters are as wide as those they are made of."""
    plain = "".join(c for c in unicodedata.normalize("NFD", line) if not unicodedata.combining(c))
    thousandths = sum(_WIDTHS.get(c, _UPPER if c.isupper() else _LOWER) for c in plain)
    return thousandths * size / 1000 * (_BOLD if bold else 1)


def wrapped(text: str, size: float, limit: float, *, bold: bool = False) -> list[str]:
    """Break a text into lines no wider than `limit`, at spaces; a longer word stands alone."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size, bold=bold) > limit:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
