"""Which object paths are allowed, whose they are, and where results go. Pure: nothing here touches a store.

The daemon's credentials pass the security rules by, so this is where an owner ends. A path is judged exactly as it is
written: it is never decoded, normalised or resolved, and never becomes the name of a local file.

    PathError
    |-- InvalidPath     breaks the rules that every object path keeps
    +-- NotAllowed      a good path, but not one of this owner's
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

USERS = "users/"
"""Below it, one folder per user."""

MAX_PATH_BYTES = 1024
"""Cloud Storage's limit for an object's name, in bytes of UTF-8."""

REFERENCES = "references/"
"""Reference videos that everyone may compare with."""

LEGACY_UPLOADS = "temp/video/user/"
"""Below it, one folder per account, the older app puts its videos."""

RESERVED_FOLDERS = frozenset({"users", "references", "temp"})
"""An account of such a name would have its results written among other people's objects."""

# Cc: control characters, NUL among them; Cs: lone surrogates, which UTF-8 cannot hold; Zl, Zp: line and paragraph separators.
_FORBIDDEN_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})


class PathError(ValueError):
    """Root of this module's errors. The messages never repeat the path."""


class InvalidPath(PathError):
    """The path breaks the rules that every object path keeps."""


class NotAllowed(PathError):
    """The path is not one of this owner's."""


def check_path(path: str) -> None:
    """Hold an object path against the rules.

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
        owner: the user's uid; of a document that the shim wrote, the account.
        video: path of the video's object.
        reference: path of the reference video's object.
        from_shim: the document carries `origin: "shim"`, which security rules refuse from clients.

    Raises:
        InvalidPath: one of the three breaks the rules for paths.
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
    # An account of the older app is no uid: it has no claim on the uploads of a user who happens to be called the same.
    allowed = (REFERENCES,) if from_shim else (own, REFERENCES)
    if not reference.startswith(allowed):
        raise NotAllowed("The reference video lies neither in the owner's folder of uploads nor under references/.")


def uploads_prefix(owner: str) -> str:
    """Where the app puts this user's videos."""
    return f"{USERS}{owner}/uploads/"


def results_prefix(owner: str, job_id: str, attempt: int) -> str:
    """Where the results of one attempt at a job go. Each attempt has its own place, so that a late one overwrites nothing."""
    return f"{job_results_prefix(owner, job_id)}{attempt}/"


def job_results_prefix(owner: str, job_id: str) -> str:
    """Where the results of all attempts at a job are."""
    return f"{USERS}{owner}/results/{job_id}/"


@dataclass(frozen=True)
class Owned:
    """Whose object it is: the user, and the job whose result it is, if it is one."""

    owner: str
    job: str | None


def owner_of(path: str) -> Owned | None:
    """Whose video or result lies at a path; None for every other object.

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
    """A video of the older app, and what its path says.

    Attributes:
        account: the folder it lies in: an e-mail address, as a rule.
        name: the file's name without `.mp4`, such as `exercise_Squat_2305092259`.
    """

    account: str
    name: str

    @classmethod
    def parse(cls, data: str) -> "LegacyVideo":
        """Read the parameter of `POST /download_and_analyze`: `temp/video/user/{account}/{name}`, percent-decoded once.

        Raises:
            InvalidPath: it breaks the rules for paths, or is not of that form.
            NotAllowed: it names an object elsewhere in the bucket.
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
        """The same from the object's path, as a document has it in `video`. Raises as `parse` does."""
        if not video.endswith(".mp4"):
            raise InvalidPath("The video of an older request must end with .mp4.")
        return cls.parse(video.removesuffix(".mp4"))

    @property
    def video(self) -> str:
        """Path of the video's object."""
        return f"{LEGACY_UPLOADS}{self.account}/{self.name}.mp4"

    @property
    def results(self) -> Mapping[str, str]:
        """Where the older app looks: kind of file (as in the document's `files`) to object path."""
        start = f"{self.account}/{self.name}_result/{self.name}"
        return {
            "report": f"{start}.json",
            "worst1": f"{start}_worst1.png",
            "worst2": f"{start}_worst2.png",
            "graph": f"{start}_graph.png",
        }

    def exercise(self, known: Iterable[str]) -> str | None:
        """The exercise that the second part of the name gives, whatever its case and hyphens; None when it is not in `known`.

        Example:
            >>> LegacyVideo("a@b.c", "exercise_PushUp_2305092259").exercise(["squat", "push_up"])
            'push_up'
        """
        parts = self.name.split("_")
        if len(parts) < 2:
            return None
        return {_letters(exercise): exercise for exercise in known}.get(_letters(parts[1]))


def check_segment(segment: str) -> None:
    """Hold one part of an object path, such as an owner, against the rules. Raises InvalidPath."""
    check_path(segment)
    if "/" in segment:
        raise InvalidPath("The owner must not contain a slash.")


def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower())
