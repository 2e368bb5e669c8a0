"""What can go wrong between a video file and its motion.

    PoseError
    |-- VideoError              the file is at fault; trying again does not help
    |   |-- VideoMissing
    |   |-- VideoTooLarge       bytes or pixels
    |   |-- VideoTooLong        duration or number of frames
    |   +-- VideoUnreadable     not a video, damaged, or a codec or container off the list
    |-- NoPerson                the video is fine, nobody is in it
    +-- ModelMissing            the pose model has not been made yet

Each message is one sentence (or two) that a user can act on; none contains a path.
"""


class PoseError(Exception):
    """Root of this package's errors."""


class VideoError(PoseError):
    """The file is at fault.

    Attributes:
        template: the sentence in English, as the catalogue of translations has it.
        fields: what its {fields} stand for.
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
    """Nobody is seen in the video."""


class ModelMissing(PoseError):
    """The pose model has not been made yet, or the named one does not exist."""
