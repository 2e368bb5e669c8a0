"""Deadlift: the hips bend and the hanging arms lower a weight along the legs."""

from feedback.catalogue import Exercise
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="deadlift",
    joint="hip",
    drives=(
        Drive("hip", rest=170, peak=70),
        Drive("trunk", rest=10, peak=75),
        Drive("shoulder_over_ankle", rest=1.25, peak=0.7),
    ),
    signature=(
        Band("trunk", high=50, when="rest"),
        Band("trunk", low=40, when="peak"),
        Band("trunk", low=30, when="change"),
        Band("hip", high=-40, when="change"),
        Band("wrist_over_shoulder", high=-0.38, when="peak"),
        Band("wrist_over_ankle", high=0.35, when="peak", margin=0.12),
        Band("shoulder_over_hip", high=0.3, when="peak", margin=0.1),
        Band("wrist_rise", high=-0.2, when="change"),
        Band("stride", high=0.25, when="peak", margin=0.12),
    ),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Deadlift"))
