"""Object paths: which are valid, which owner may use them, and where results are stored. Pure: no function here uses a store.

The security rules do not apply to the daemon's credentials, so the daemon checks here that a video belongs to its owner. A path
is checked exactly as it is written: it is never decoded, normalised or resolved, and never becomes the name of a local file.

    PathError
    |-- InvalidPath     not a valid object path
    +-- NotAllowed      a valid path that does not belong to this owner
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

USERS = "users/"
"""Holds one folder for each user."""

MAX_PATH_BYTES = 1024
"""Cloud Storage's limit for an object's name, in bytes of UTF-8."""

REFERENCES = "references/"
"""Holds the reference videos that every user may compare with."""

LEGACY_UPLOADS = "temp/video/user/"
"""Holds one folder for each account, where the older app uploads its videos."""

RESERVED_FOLDERS = frozenset({"users", "references", "temp"})
"""Not allowed as the name of an account: its results, in `{account}/`, would lie among other users' objects."""

# Cc: control characters, NUL among them; Cs: lone surrogates, which UTF-8 cannot hold; Zl, Zp: line and paragraph separators.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


class PathError(ValueError):
    """Base class of this module's errors. Their messages never contain the path."""


class InvalidPath(PathError):
    """The path is not a valid object path."""


class NotAllowed(PathError):
    """The path does not belong to this owner."""


def check_path(path: str) -> None:
    """Check that an object path is valid.

    Raises:
        InvalidPath: it is empty, longer than 1,024 bytes, starts with a slash, or has a backslash, a control character, or
            an empty, `.` or `..` segment.
    """
    if not path:
        raise InvalidPath("The object path is empty.")
    if any(character == "\\" or unicodedata.category(character) in _FORBIDDEN_CATEGORIES for character in path):
        raise InvalidPath("The object path must not contain a backslash or a control character.")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise InvalidPath(f"The object path must not be longer than {MAX_PATH_BYTES} bytes.")
    if not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise InvalidPath("The object path must not start or end with a slash or contain an empty, '.' or '..' segment.")


def check_owner(owner: str, video: str, reference: str | None = None, *, from_shim: bool = False) -> None:
    """Check that the owner may have this video analysed, and compared with this reference.

    Args:
        owner: the user's uid, or the account if the shim wrote the document.
        video: path of the video's object.
        reference: path of the reference video's object.
        from_shim: whether the document has `origin: "shim"`. The security rules refuse that field from clients.

    Raises:
        InvalidPath: owner, video or reference is not a valid path.
        NotAllowed: a path lies outside the owner's folders.
    """
    check_segment(owner)
    check_path(video)
    own = f"{LEGACY_UPLOADS}{owner}/" if from_shim else uploads_prefix(owner)
    if not video.startswith(own):
        raise NotAllowed("The video does not lie in its owner's folder of uploads.")
    if reference is None:
        return
    check_path(reference)
    # An account of the older app is no uid: a user whose uid equals the account's name is another person.
    allowed = (REFERENCES,) if from_shim else (own, REFERENCES)
    if not reference.startswith(allowed):
        raise NotAllowed("The reference video lies neither in the owner's folder of uploads nor under references/.")


def uploads_prefix(owner: str) -> str:
    """The prefix of this user's uploaded videos."""
    return f"{USERS}{owner}/uploads/"


def results_prefix(owner: str, job_id: str, attempt: int) -> str:
    """The prefix of the results of one attempt at a job. Each attempt has its own, so that a late one overwrites nothing."""
    return f"{job_results_prefix(owner, job_id)}{attempt}/"


def job_results_prefix(owner: str, job_id: str) -> str:
    """The prefix of the results of all attempts at a job."""
    return f"{USERS}{owner}/results/{job_id}/"


@dataclass(frozen=True)
class Owned:
    """The owner of an object and, for a result, the id of its job."""

    owner: str
    job: str | None


def owner_of(path: str) -> Owned | None:
    """The owner of the video or result at a path; None for every other object.

    Example:
        >>> owner_of("users/ann/results/job/1/report.json")
        Owned(owner='ann', job='job')
    """
    if path.startswith(LEGACY_UPLOADS):
        account, separator, name = path.removeprefix(LEGACY_UPLOADS).partition("/")
        return Owned(account, None) if account and separator and name else None
    match path.split("/"):
        case ["users", owner, "uploads", name, *_] if owner and name:
            return Owned(owner, None)
        case ["users", owner, "results", job_id, attempt, name] if owner and job_id and attempt.isdigit() and name:
            return Owned(owner, job_id)
        case _:
            return None


@dataclass(frozen=True)
class LegacyVideo:
    """A video of the older app, described by its path.

    Attributes:
        account: name of the folder of the video, usually an e-mail address.
        name: the file's name without `.mp4`, such as `exercise_Squat_2305092259`.
    """

    account: str
    name: str

    @classmethod
    def parse(cls, data: str) -> "LegacyVideo":
        """Read the parameter of `POST /download_and_analyze`: `temp/video/user/{account}/{name}`, percent-decoded once.

        Raises:
            InvalidPath: the parameter is no valid path, or does not have that form.
            NotAllowed: the parameter names an object outside `temp/video/user/`.
        """
        check_path(data)
        if not data.startswith(LEGACY_UPLOADS):
            raise NotAllowed(f"The video must lie under {LEGACY_UPLOADS}.")
        account, separator, name = data.removeprefix(LEGACY_UPLOADS).partition("/")
        if not separator or "/" in name:
            raise InvalidPath(f"The parameter must have the form {LEGACY_UPLOADS}ACCOUNT/NAME, without .mp4 at the end.")
        if account in RESERVED_FOLDERS:
            raise NotAllowed("This account name is reserved.")
        legacy = cls(account, name)
        for path in (legacy.video, *legacy.results.values()):
            check_path(path)
        return legacy

    @classmethod
    def of_video(cls, video: str) -> "LegacyVideo":
        """Read the object's path, the document's field `video`. Raises the same errors as `parse`."""
        if not video.endswith(".mp4"):
            raise InvalidPath("The video of an older request must end with .mp4.")
        return cls.parse(video.removesuffix(".mp4"))

    @property
    def video(self) -> str:
        """Path of the video's object."""
        return f"{LEGACY_UPLOADS}{self.account}/{self.name}.mp4"

    @property
    def results(self) -> Mapping[str, str]:
        """Kind of file (as in the document's `files`) to the object path where the older app expects it."""
        start = f"{self.account}/{self.name}_result/{self.name}"
        return {
            "report": f"{start}.json",
            "worst1": f"{start}_worst1.png",
            "worst2": f"{start}_worst2.png",
            "graph": f"{start}_graph.png",
        }

    def exercise(self, known: Iterable[str]) -> str | None:
        """The exercise in the second part of the name, without regard to case and hyphens; None when it is not in `known`.

        Example:
            >>> LegacyVideo("a@b.c", "exercise_PushUp_2305092259").exercise(["squat", "push_up"])
            'push_up'
        """
        parts = self.name.split("_")
        if len(parts) < 2:
            return None
        return {_letters(exercise): exercise for exercise in known}.get(_letters(parts[1]))


def check_segment(segment: str) -> None:
    """Check one part of an object path, such as an owner. Raises InvalidPath."""
    check_path(segment)
    if "/" in segment:
        raise InvalidPath("The owner must not contain a slash.")


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
