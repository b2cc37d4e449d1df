"""Vietnamese text: stored in NFC, compared after normalising."""

from __future__ import annotations

import unicodedata

__all__ = ["comparable", "nfc"]

# Old and new placement of the tone mark on oa, oe, uy ("hoà" and "hòa" are one word).
_TONES = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"}
_GLIDES = {("o", "a"), ("o", "e"), ("u", "y")}


def nfc(text: str) -> str:
    """Return `text` in Unicode normal form C, with runs of white space folded to one blank."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def comparable(text: str) -> str:
    """Return the form in which two spellings of the same Vietnamese name compare equal.

    Folds case, white space, normal form, dashes, and the old and new place of the tone mark.
    """
    folded = nfc(text).casefold().replace("–", "-").replace("—", "-")
    letters = list(unicodedata.normalize("NFD", folded))
    for i in range(len(letters) - 2):
        if letters[i + 1] in _TONES and (letters[i], letters[i + 2]) in _GLIDES and _ends_syllable(letters, i + 3):
            letters[i + 1], letters[i + 2] = letters[i + 2], letters[i + 1]
    return unicodedata.normalize("NFC", "".join(letters))


def _ends_syllable(letters: list[str], i: int) -> bool:
    return i >= len(letters) or not (letters[i].isalpha() or unicodedata.combining(letters[i]))
