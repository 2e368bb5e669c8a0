"""The error codes of a job, their properties, and a sentence for the user for each code.

JobError                the job failed: a code, and a reason for the log
Interrupted             the work stops, but the job has not failed
|-- LeaseLost           another worker has the job, or the document is gone
|-- CancelRequested     the app cancelled the job
|   +-- DeleteRequested     the app wants the job and all its data deleted
+-- HandedBack          this worker is shutting down
"""

from enum import StrEnum

from feedback.words import N_, words_of


class ErrorCode(StrEnum):
    """The error codes. Their order has no meaning."""

    INVALID_REQUEST = "invalid_request"
    NOT_ALLOWED = "not_allowed"
    VIDEO_MISSING = "video_missing"
    VIDEO_TOO_LARGE = "video_too_large"
    VIDEO_TOO_LONG = "video_too_long"
    VIDEO_UNREADABLE = "video_unreadable"
    NO_PERSON = "no_person"
    NO_EXERCISE = "no_exercise"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    ANALYSIS_CRASHED = "analysis_crashed"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"

    @property
    def retryable(self) -> bool:
        """Whether another attempt may succeed."""
        return self in _RETRYABLE

    @property
    def uses_attempt(self) -> bool:
        """Whether the attempt counts. An attempt that ended by an outage does not."""
        return self is not ErrorCode.UNAVAILABLE

    @property
    def http_status(self) -> int:
        """The status code of the older HTTP interface."""
        return _HTTP_STATUS[self]

    def message(self, language: str | None) -> str:
        """The sentence that an app can show, in the job's language."""
        return words_of(language)(_MESSAGES[self])


_RETRYABLE = frozenset({ErrorCode.TIMED_OUT, ErrorCode.ANALYSIS_CRASHED, ErrorCode.UNAVAILABLE, ErrorCode.INTERNAL})

_HTTP_STATUS = {
    ErrorCode.INVALID_REQUEST: 400,
    ErrorCode.NOT_ALLOWED: 403,
    ErrorCode.VIDEO_MISSING: 404,
    ErrorCode.VIDEO_TOO_LARGE: 413,
    ErrorCode.VIDEO_TOO_LONG: 413,
    ErrorCode.VIDEO_UNREADABLE: 422,
    ErrorCode.NO_PERSON: 422,
    ErrorCode.NO_EXERCISE: 422,
    ErrorCode.CANCELLED: 409,
    ErrorCode.TIMED_OUT: 500,
    ErrorCode.ANALYSIS_CRASHED: 500,
    ErrorCode.UNAVAILABLE: 503,
    ErrorCode.INTERNAL: 500,
}

_MESSAGES = {
    ErrorCode.INVALID_REQUEST: N_("The request is not valid. Please update the app and try again."),
    ErrorCode.NOT_ALLOWED: N_("This video does not belong to you. Please choose one of your own."),
    ErrorCode.VIDEO_MISSING: N_("The video was not found. Please upload it again."),
    ErrorCode.VIDEO_TOO_LARGE: N_("The video is too large. Please record it with a lower resolution or make it shorter."),
    ErrorCode.VIDEO_TOO_LONG: N_("The video is too long. Please upload one set at a time."),
    ErrorCode.VIDEO_UNREADABLE: N_("The video cannot be read. Please record it again or save it as MP4."),
    ErrorCode.NO_PERSON: N_("Nobody was seen in the video. Please film so that the whole body is in the picture and well lit."),
    ErrorCode.NO_EXERCISE: N_("No known exercise was recognised. Please film one exercise with the whole body in the picture."),
    ErrorCode.CANCELLED: N_("The analysis was cancelled."),
    ErrorCode.TIMED_OUT: N_("The analysis took too long. Please try again with a shorter video."),
    ErrorCode.ANALYSIS_CRASHED: N_("The video could not be analysed. Please try again with another recording."),
    ErrorCode.UNAVAILABLE: N_("The service cannot be reached at the moment. The analysis goes on by itself later."),
    ErrorCode.INTERNAL: N_("Something went wrong on our side. Please try again later."),
}


class JobError(Exception):
    """A job failed.

    Attributes:
        code: the code in the document.
        reason: text for the log and, with `invalid_request`, for the app's developer; never contains a path.
        sentence: text for the user in the job's language that is more exact than the code's; empty if there is none.
    """

    def __init__(self, code: ErrorCode, reason: str = "", *, sentence: str = "") -> None:
        super().__init__(f"{code}: {reason}" if reason else str(code))
        self.code = code
        self.reason = reason
        self.sentence = sentence

    def message(self, language: str | None) -> str:
        """The sentence for the user. For a malformed request it contains the reason, since a developer has to mend the
        request."""
        sentence = self.sentence or self.code.message(language)
        return f"{sentence} ({self.reason})" if self.code is ErrorCode.INVALID_REQUEST and self.reason else sentence


class Interrupted(Exception):
    """The work on a job stops here; the job has not failed."""


class LeaseLost(Interrupted):
    """Another worker has the job, or its document is gone."""


class CancelRequested(Interrupted):
    """The app cancelled the job."""


class DeleteRequested(CancelRequested):
    """The app wants the job and all its data deleted."""


class HandedBack(Interrupted):
    """This worker is shutting down."""
