"""Sit-up: the trunk rises from lying on the back to sitting."""

from feedback.catalogue import Exercise
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="sit_up",
    joint="hip",
    drives=(
        Drive("trunk", rest=85, peak=15),
        Drive("hip", rest=140, peak=60),
        Drive("shoulder_over_hip", rest=0.0, peak=0.45),
    ),
    posture=(Band("facing_down", high=30), Band("hip_over_ankle", high=0.5)),
    signature=(
        Band("trunk", low=60, when="rest"),
        Band("facing_down", high=-40, when="rest", margin=20),
        Band("trunk", high=-30, when="change"),
        Band("shoulder_rise", low=0.12, when="change"),
    ),
    lowering_first=False,
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Sit-up"))
