"""Errors of reading the motion of a video file.

    PoseError
    |-- VideoError              the file is wrong; another attempt would also fail
    |   |-- VideoMissing
    |   |-- VideoTooLarge       bytes or pixels
    |   |-- VideoTooLong        duration or number of frames
    |   +-- VideoUnreadable     not a video, damaged, or a codec or container that is not accepted
    |-- NoPerson                no person was found in the video
    +-- ModelMissing            the pose model has not been made yet

Each message has one or two sentences that tell a user what to do. No message contains a path.
"""


class PoseError(Exception):
    """Base class of this package's errors."""


class VideoError(PoseError):
    """The file is wrong.

    Attributes:
        template: the sentence in English with {fields}, the key of its translations.
        fields: the values of the {fields}.
    """

    def __init__(self, template: str, **fields: str) -> None:
        super().__init__(template.format(**fields))
        self.template = template
        self.fields = fields


class VideoMissing(VideoError):
    """There is no such file."""


class VideoTooLarge(VideoError):
    """More bytes or pixels than allowed."""


class VideoTooLong(VideoError):
    """Longer, or of more frames, than allowed."""


class VideoUnreadable(VideoError):
    """Not a video, damaged, or of a container or codec that is not accepted."""


class NoPerson(PoseError):
    """No person was found in the video."""


class ModelMissing(PoseError):
    """The pose model has not been made yet, or the named one does not exist."""
