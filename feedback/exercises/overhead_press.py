"""Overhead press: the arms push a weight from the shoulders to above the head."""

from feedback.catalogue import Exercise
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="overhead_press",
    joint="elbow",
    drives=(
        Drive("wrist_over_shoulder", rest=0.1, peak=0.5),
        Drive("elbow", rest=80, peak=160),
        Drive("shoulder", rest=70, peak=160),
    ),
    posture=(Band("trunk", high=50),),
    signature=(
        Band("wrist_over_shoulder", low=-0.2, high=0.3, when="rest", margin=0.15),
        Band("wrist_over_shoulder", low=0.3, when="peak"),
        Band("wrist_rise", low=0.15, when="change"),
        Band("shoulder_rise", low=-0.12, high=0.12, when="change"),
        Band("elbow", high=130, when="rest", margin=20),
        Band("ankles_apart", high=0.15, when="change"),
        Band("left_ahead", high=0.3, when="range", margin=0.15),
    ),
    lowering_first=False,
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Overhead press"))
