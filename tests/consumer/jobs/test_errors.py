import pytest

from consumer.jobs.errors import ErrorCode, JobError
from feedback.words import languages

TABLE = {
    "invalid_request": (False, 400),
    "not_allowed": (False, 403),
    "video_missing": (False, 404),
    "video_too_large": (False, 413),
    "video_too_long": (False, 413),
    "video_unreadable": (False, 422),
    "no_person": (False, 422),
    "no_exercise": (False, 422),
    "cancelled": (False, 409),
    "timed_out": (True, 500),
    "analysis_crashed": (True, 500),
    "unavailable": (True, 503),
    "internal": (True, 500),
}


def test_the_codes_are_those_of_the_contract() -> None:
    assert {str(code): (code.retryable, code.http_status) for code in ErrorCode} == TABLE


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("code", list(ErrorCode))
def test_every_code_has_a_sentence_in_every_language(code: ErrorCode, language: str) -> None:
    sentence = code.message(language)
    assert sentence[-1] in ".!요다"
    assert (sentence == code.message("en")) is (language == "en")


def test_messages_to_users_contain_no_internal_reason() -> None:
    assert "secret" not in JobError(ErrorCode.INTERNAL, "secret").message("en")
