"""Bring the .po files up to date with the words in the source.

    python -m feedback.translations

New words are added untranslated (in English: as they are), obsolete ones removed, translations kept. A new language starts as
an empty file feedback/locale/LANGUAGE/LC_MESSAGES/feedback.po.
"""

import io
from copy import deepcopy
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from feedback.words import DEFAULT_LANGUAGE, DOMAIN, languages, po_file

ROOT = Path(__file__).parent.parent
PACKAGES = ("consumer", "feedback", "pose")
KEYWORDS = {"N_": None, "words": None, "plural": (1, 2)}
"""How words are marked: `N_("...")` where they are defined, `words("...")` and `words.plural("...", "...", n)` where shown."""


def extract() -> Catalog:
    """All words of the source."""
    template = Catalog(domain=DOMAIN, charset="utf-8")
    for package in PACKAGES:
        found = extract_from_dir(ROOT / package, [("**.py", "python")], keywords=KEYWORDS, comment_tags=("translators:",))
        for file, _line, message, comments, _context in sorted(found):
            template.add(message, locations=[(f"{package}/{file}", 0)], auto_comments=comments)
    return template


def updated(language: str, template: Catalog) -> bytes:
    """The bytes of a language's .po file with exactly the template's words."""
    with po_file(language).open("rb") as file:
        catalogue = read_po(file, locale=language, domain=DOMAIN)
    # A copy, because the catalogue keeps the messages it is given and each language fills in its own.
    catalogue.update(deepcopy(template), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.fuzzy = False
    catalogue.obsolete.clear()
    if language == DEFAULT_LANGUAGE:
        for message in catalogue:
            if message.id and not any(message.string or ()):
                message.string = message.id
    written = io.BytesIO()
    # Neither line numbers nor dates, so that the file changes only when words do.
    write_po(written, catalogue, width=100, sort_output=True, omit_header=False, include_lineno=False, ignore_obsolete=True)
    return written.getvalue()


def main() -> None:
    """Rewrite every language's file."""
    template = extract()
    for language in languages():
        po_file(language).write_bytes(updated(language, template))


if __name__ == "__main__":
    main()
