"""All texts for the user, in the job's language.

The English text is in the source, marked with `N_`; locale/LANGUAGE/LC_MESSAGES/feedback.po has its translation. Babel reads
the .po files directly, so nothing has to be compiled for a test, a wheel or an image. After a text has changed,

    python -m feedback.words.translations

writes it into every .po file. A new language needs one file: its feedback.po.
"""

import gettext
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

from babel import Locale, UnknownLocaleError
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

DOMAIN = "feedback"
LOCALE_DIR = Path(__file__).with_name("locale")
DEFAULT_LANGUAGE = "en"

CLDR_UNITS = {"s": ("duration-second", 1), "cm": ("length-centimeter", 0)}
"""Unit of the report: its name in Unicode's CLDR, which has its form in each language, and the decimal places."""


def N_(message: str) -> str:  # noqa: N802 - gettext's own name for it, known to every extractor
    """Mark a message for translation where it is defined; `Words` translates it where it is shown."""
    return message


def po_file(language: str) -> Path:
    """The path of a language's .po file."""
    return LOCALE_DIR / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def languages() -> list[str]:
    """The languages that have a .po file."""
    return sorted(path.name for path in LOCALE_DIR.iterdir() if po_file(path.name).is_file())


def language_of(tag: str | None) -> str:
    """The language of a tag: `ko` for `ko-KR` and `ko_KR@calendar=buddhist`; `en` for an unknown language or no tag."""
    try:
        found = Locale.parse(re.split("[-_@]", tag or DEFAULT_LANGUAGE, maxsplit=1)[0]).language
    except (UnknownLocaleError, ValueError):
        return DEFAULT_LANGUAGE
    return found if found in languages() else DEFAULT_LANGUAGE


class Message(str):
    """An English text with its translations, as an operator's exercise file gives them.

    Attributes:
        translations: the text by language, such as `{"ko": "스쿼트"}`. A language that is missing gets the English text.
    """

    __slots__ = ("translations",)
    translations: Mapping[str, str]

    def __new__(cls, english: str, translations: Mapping[str, str]) -> "Message":
        message = super().__new__(cls, english)
        message.translations = dict(translations)
        return message


@dataclass(frozen=True)
class Words:
    """The words, plurals, numbers and units of one language; from `words_of`."""

    language: str
    translations: gettext.NullTranslations

    def __call__(self, message: str, **fields: object) -> str:
        """The message in this language with its {fields}. Without fields the message is not formatted."""
        if isinstance(message, Message):
            return message.translations.get(self.language, str(message))
        text = self.translations.gettext(message)
        return text.format(**fields) if fields else text

    def plural(self, singular: str, plural: str, n: int, **fields: object) -> str:
        """The form of the message that fits n; {n} is the number itself, formatted."""
        return self.translations.ngettext(singular, plural, n).format(n=self.number(n), **fields)

    def number(self, value: float, digits: int = 0) -> str:
        """A number with at most that many digits after the decimal point."""
        return str(format_decimal(_rounded(value, digits), locale=self.language))

    def quantity(self, value: float, unit: str, *, finer: int = 0) -> str:
        """A number with its unit: 95°, 1.2 sec / 1.2초, 85%, 0.8; with `finer` more digits than usual."""
        if unit == "deg":
            return f"{self.number(value, finer)}°"
        if unit in CLDR_UNITS:
            name, digits = CLDR_UNITS[unit]
            return str(format_unit(_rounded(value, digits + finer), name, length="short", locale=self.language))
        if unit == "%":
            share = Decimal(str(_rounded(value, finer))) / 100
            return str(format_percent(share, locale=self.language, decimal_quantization=False))
        return self.number(value, 2 + finer)

    def listing(self, items: Sequence[str]) -> str:
        """`1`, `1 and 2`, `1, 2 and 5`, with ranges already made."""
        if len(items) < 2:
            return "".join(items)
        return self(N_("{first} and {last}"), first=", ".join(items[:-1]), last=items[-1])

    def either(self, items: Sequence[str]) -> str:
        """`a`, `a or b`, `a, b or c`."""
        if len(items) < 2:
            return "".join(items)
        return self(N_("{first} or {last}"), first=", ".join(items[:-1]), last=items[-1])

    def rep_numbers(self, indices: Sequence[int]) -> str:
        """The repetitions' numbers, runs of three or more joined: `1-3 and 5`."""
        runs: list[list[int]] = []
        for index in sorted(indices):
            if runs and index == runs[-1][-1] + 1:
                runs[-1].append(index)
            else:
                runs.append([index])
        return self.listing(
            [item for run in runs for item in ([f"{run[0]}\u2013{run[-1]}"] if len(run) > 2 else [str(index) for index in run])]
        )


def _rounded(value: float, digits: int) -> float:
    """A rounded number; never minus zero."""
    return round(value, digits) + 0.0


@cache
def words_of(tag: str | None) -> Words:
    """The words for a language tag, as `language_of` reads it."""
    language = language_of(tag)
    with po_file(language).open("rb") as file:
        catalogue = read_po(file, locale=language, domain=DOMAIN)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Words(language, gettext.GNUTranslations(compiled))
