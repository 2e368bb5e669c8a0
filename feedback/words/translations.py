"""Bring the .po files up to date with the words in the source.

    python -m feedback.words.translations

New words are added untranslated (in English: as they are), obsolete ones removed, translations kept. A new language starts as
an empty file feedback/words/locale/LANGUAGE/LC_MESSAGES/feedback.po.
"""

import io
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, BinaryIO

import yaml
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from feedback.words import DEFAULT_LANGUAGE, DOMAIN, languages, po_file

ROOT = Path(__file__).parents[2]
PACKAGES = ("consumer", "feedback", "pose")
KEYWORDS = {
    "N_": None,
    "words": None,
    "plural": (1, 2),
    "VideoMissing": None,
    "VideoTooLarge": None,
    "VideoTooLong": None,
    "VideoUnreadable": None,
}
"""How words are marked: `N_("...")` where they are defined, `words("...")` and `words.plural("...", "...", n)` where shown.
`pose` has no translations: the call that makes a `VideoError` marks its sentence."""
SHOWN = ("name", "title", "advice", "praise", "why", "reason")
"""The fields of an exercise file that a user reads."""


def extract_exercise(
    file: BinaryIO,
    keywords: Mapping[str, Any],
    comment_tags: object,
    options: object,
) -> Iterator[tuple[int, str, str, list[str]]]:
    """The words of an exercise file; an extractor as Babel calls it."""

    def walk(node: yaml.Node) -> Iterator[tuple[int, str, str, list[str]]]:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if isinstance(value, yaml.ScalarNode):
                    if key.value in SHOWN:
                        yield value.start_mark.line + 1, "N_", value.value, []
                elif key.value != "measure":  # its name is no word
                    yield from walk(value)
        elif isinstance(node, yaml.SequenceNode):
            for item in node.value:
                yield from walk(item)

    root = yaml.compose(file, Loader=yaml.CSafeLoader)
    if root is not None:
        yield from walk(root)


METHODS = [("**.py", "python"), ("**.yaml", "feedback.words.translations:extract_exercise")]


def extract() -> Catalog:
    """All words of the source."""
    template = Catalog(domain=DOMAIN, charset="utf-8")
    for package in PACKAGES:
        found = extract_from_dir(ROOT / package, METHODS, keywords=KEYWORDS, comment_tags=("translators:",))
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
