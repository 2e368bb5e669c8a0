"""Biceps curl: the forearms come up, the upper arms stay beside the trunk."""

from feedback.catalogue import Exercise
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="biceps_curl",
    joint="elbow",
    drives=(
        Drive("elbow", rest=160, peak=75),
        Drive("wrist_over_shoulder", rest=-0.5, peak=-0.05),
    ),
    posture=(Band("trunk", high=45),),
    signature=(
        Band("wrist_over_shoulder", high=-0.25, when="rest"),
        Band("wrist_over_shoulder", low=-0.35, high=0.1, when="peak"),
        Band("wrist_over_shoulder", low=0.12, when="change"),
        Band("elbow", low=115, when="rest"),
        Band("elbow", high=120, when="peak", margin=25),
        Band("shoulder", high=65, when="peak"),
        Band("shoulder_rise", low=-0.08, high=0.08, when="change"),
        Band("ankles_apart", high=0.15, when="change"),
        Band("left_ahead", high=0.3, when="range", margin=0.15),
    ),
    lowering_first=False,
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Biceps curl"))
