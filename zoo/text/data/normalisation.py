"""One form for what people take for the same text, whoever typed, escaped or stored it.

A phone writes an apostrophe as U+2019, a web page as `&#39;`, a file of 1995 as byte 0x92; Windows
ends lines with two characters, a Mac stores accents apart. To a vocabulary each is another word.
The form is Unicode's NFC (not NFKC: full-width letters and fractions stay what they are), without
what nobody sees, with plain quotes, spaces and line ends, and with nothing escaped.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Final, Literal

Normalisation = Literal["unicode", "typographic", "none"]
"""How texts are normalised before fastai's rules: to `normal_form`; to that but for quotes and
spaces, which stay as they are (for vocabularies of printed texts); or, in format 1, not at all."""

MOST_PASSES: Final = 8  # an entity may be escaped itself, or hold what is not seen
MOST_MARKS: Final = 30  # accents on a letter (Unicode's UAX 15, "stream-safe"): sorting costs

_PLAIN = re.compile(r"[\n\t !-%'-;=-_a-~]*")  # what has its normal form already
_LINE_END = re.compile(r"\r\n?|<br\s*/?>", re.IGNORECASE)
_MARKS = re.compile(rf"[^\w\s\0-\u02ff]{{{MOST_MARKS + 1},}}")
_JOINER = re.compile("[\u200c\u200d]+")
_LETTER: Final = r"[^\W\d_]"
# Grave, acute, prime and the full-width apostrophe are apostrophes between letters alone.
_APOSTROPHE = re.compile(f"(?<={_LETTER})[`\u00b4\u2032\uff07](?={_LETTER})")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[a-zA-Z][a-zA-Z0-9]{1,31};)")
_ESCAPED = re.compile(r"&(?:(?:amp|AMP|#0*38|#[xX]0*26);)+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_LATIN_ENDS: Final = 0x24F  # the last letter of Latin with its accents; joiners mean nothing there


def _characters(*, print_too: bool) -> dict[int, str]:
    """What each character becomes, where it is not itself."""
    unseen = [*range(0x09), *range(0x0E, 0x20), 0x7F, 0xAD, 0x34F, 0x61C, 0x180E]
    unseen += [0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF]
    unseen += range(0xFE00, 0xFE10)  # variation selectors: an emoji in colour is the same emoji
    table = dict.fromkeys(unseen, "")
    for code in range(0x80, 0xA0):  # HTML and Windows mean cp1252
        table[code] = bytes([code]).decode("cp1252", errors="ignore")
    table |= dict.fromkeys([0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x2028, 0x2029], "\n")
    if not print_too:
        return table
    spaces = [0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000]
    table |= dict.fromkeys(spaces, " ")
    table |= dict.fromkeys([0x2018, 0x2019, 0x201A, 0x201B, 0x2BC], "'")
    return table | dict.fromkeys([0x201C, 0x201D, 0x201E, 0x201F], '"')


_CHARACTERS: Final = {too: _characters(print_too=too) for too in (True, False)}


def normal_form(text: str, *, print_too: bool = True) -> str:
    r"""The text in its normal form; that of a normal form is itself.

    Args:
        text: any text.
        print_too: whether quotes, apostrophes and spaces of print become plain ones.

    >>> print(normal_form("It isn\u2019t \u201cgood\u201d: Tom &amp;amp; Jerry&#39;s cafe\u0301"))
    It isn't "good": Tom & Jerry's café
    """
    if _PLAIN.fullmatch(text):
        return text
    text = encodable(text)
    for _ in range(MOST_PASSES):
        before, text = text, _once(text, print_too)
        if text == before:
            break
    return text


def encodable(text: str) -> str:
    r"""The text with halves of characters (surrogates) joined; a lone half becomes U+FFFD.

    >>> encodable("\ud83d\ude42 \ud83d") == "\U0001f642 \ufffd"
    True
    """
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _once(text: str, print_too: bool) -> str:
    if "\r" in text or "<" in text:
        text = _LINE_END.sub("\n", text)
    text = text.translate(_CHARACTERS[print_too])
    if not text.isascii():
        text = unicodedata.normalize("NFC", _MARKS.sub(_few_marks, text))
        text = _JOINER.sub(_needed_joiner, text)
    if print_too and ("`" in text or not text.isascii()):
        text = _APOSTROPHE.sub("'", text)
    if "&" in text:
        text = _ESCAPED.sub("&amp;", text)
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return text


def _few_marks(match: re.Match[str]) -> str:
    kept, run = [], 0
    for character in match[0]:
        run = run + 1 if unicodedata.combining(character) else 0
        if run <= MOST_MARKS:
            kept.append(character)
    return "".join(kept)


def _needed_joiner(match: re.Match[str]) -> str:
    """Joiners make emojis, and letters of Persian and Indic scripts; elsewhere they are unseen."""
    text, (start, end) = match.string, match.span()
    inside = start > 0 and end < len(text)
    return match[0] if inside and _joins(text[start - 1]) and _joins(text[end]) else ""


def _joins(character: str) -> bool:
    return ord(character) > _LATIN_ENDS and not character.isspace()
