"""How wide a text will be, without knowing the font."""

import unicodedata

_NARROW, _WIDE = frozenset("iljtfrI.,:;|!'`()[]{}·-/ ₁"), frozenset("mwMW@%—…→↔")


def text_width(text: str, size: float) -> float:
    """An estimate, rather too wide, for the sans-serif fonts of common systems at ``size`` pixels."""
    return size * sum(map(_em, text))


def _em(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF" or ord(character) > 0x2E80:
        return 1.1
    if character in _NARROW:
        return 0.37
    if character in _WIDE:
        return 0.95
    if "₀" <= character <= "₋":
        return 0.45
    return 0.74 if character.isupper() else 0.6
