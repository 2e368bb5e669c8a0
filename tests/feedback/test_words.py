"""Words: every language complete, plurals, numbers and units as each language writes them."""

import string

import pytest
from babel.messages.catalog import Message
from babel.messages.pofile import read_po

from feedback.words import language_of, languages, po_file, words_of
from feedback.words.translations import extract, updated

TEMPLATE = extract()


def messages(language: str) -> dict[str, Message]:
    with po_file(language).open("rb") as file:
        catalogue = read_po(file, locale=language)
    return {_key(message): message for message in catalogue if message.id}


def _key(message: Message) -> str:
    return message.id[0] if isinstance(message.id, tuple) else message.id


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_there_are_english_and_korean() -> None:
    assert languages() == ["en", "ko"]


@pytest.mark.parametrize("language", languages())
def test_the_file_has_exactly_the_words_of_the_source(language: str) -> None:
    assert po_file(language).read_bytes() == updated(language, TEMPLATE), "run: python -m feedback.words.translations"


@pytest.mark.parametrize("language", languages())
def test_every_word_is_translated_with_its_fields(language: str) -> None:
    for source, message in messages(language).items():
        translated = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(translated), f"no {language} for: {source}"
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        for text in translated:
            assert fields(text) <= fields(ids[-1]) | fields(ids[0]), f"other fields: {text}"
        assert fields(translated[-1]) - {"n"} == fields(ids[-1]) - {"n"}, f"a field is lost: {source}"


def test_korean_is_korean_and_polite_throughout() -> None:
    for source, message in messages("ko").items():
        text = message.string[0] if isinstance(message.string, tuple) else message.string
        letters = [letter for letter in text if letter.isalpha()]
        assert not letters or any("\uac00" <= letter <= "\ud7a3" for letter in letters) or fields(text), source
        if text.endswith(".") and not fields(text):
            assert text.endswith("요."), f"not in the polite informal style: {text}"


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("ko", "ko"),
        ("ko-KR", "ko"),
        ("ko_KR", "ko"),
        ("ko_KR@calendar=buddhist", "ko"),
        ("ko_KR_#u-nu-latn", "ko"),
        ("KO", "ko"),
        ("en-GB", "en"),
        ("fr", "en"),
        ("", "en"),
        (None, "en"),
    ],
)
def test_language_tags(tag: str | None, language: str) -> None:
    assert language_of(tag) == language


@pytest.mark.parametrize("tag", ["../../etc", "ko/../../x", "x" * 5000, "\0", "ko-KR-" + "a" * 100, "한국어"])
def test_strange_tags_are_english_or_a_language(tag: str) -> None:
    assert language_of(tag) in languages()


@pytest.mark.parametrize(
    ("value", "unit", "english", "korean"),
    [
        (94.6, "deg", "95°", "95°"),
        (1.25, "s", "1.2 sec", "1.2초"),
        (1.0, "s", "1 sec", "1초"),
        (5.6, "cm", "6 cm", "6cm"),
        (84.9, "%", "85%", "85%"),
        (1.234, "ratio", "1.23", "1.23"),
    ],
)
def test_quantities(value: float, unit: str, english: str, korean: str) -> None:
    assert (words_of("en").quantity(value, unit), words_of("ko").quantity(value, unit)) == (english, korean)


@pytest.mark.parametrize(
    ("indices", "english", "korean"),
    [
        ([2], "2", "2"),
        ([2, 4], "2 and 4", "2, 4"),
        ([1, 2, 3, 5], "1\u20133 and 5", "1\u20133, 5"),
        ([3, 1, 2], "1\u20133", "1\u20133"),
    ],
)
def test_repetition_numbers(indices: list[int], english: str, korean: str) -> None:
    assert (words_of("en").rep_numbers(indices), words_of("ko").rep_numbers(indices)) == (english, korean)


def test_plural_forms() -> None:
    singular, plural = "{name}: {n} repetition.", "{name}: {n} repetitions."
    english = [words_of("en").plural(singular, plural, n, name="Squat") for n in (1, 2, 1200)]
    assert english == ["Squat: 1 repetition.", "Squat: 2 repetitions.", "Squat: 1,200 repetitions."]
    korean = [words_of("ko").plural(singular, plural, n, name="스쿼트") for n in (1, 2)]
    assert korean == ["스쿼트: 1회 했어요.", "스쿼트: 2회 했어요."]
