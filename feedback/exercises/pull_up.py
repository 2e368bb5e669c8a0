"""Pull-up: the arms pull the hanging body up to the hands."""

from feedback.catalogue import Exercise
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="pull_up",
    joint="elbow",
    drives=(
        Drive("wrist_over_shoulder", rest=0.5, peak=0.1),
        Drive("elbow", rest=160, peak=60),
        Drive("elbow_in_picture", rest=160, peak=50),
    ),
    posture=(Band("trunk", high=60), Band("wrist_over_shoulder", low=-0.15)),
    signature=(
        Band("trunk", high=45, when="rest"),
        Band("wrist_over_shoulder", low=0.25, when="rest"),
        Band("wrist_over_shoulder", high=-0.12, when="change"),
        Band("shoulder_rise", low=0.12, when="change"),
        Band("wrist_rise", low=-0.1, high=0.1, when="change"),
    ),
    lowering_first=False,
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Pull-up"))
