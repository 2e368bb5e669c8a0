"""Lunge: one foot far ahead of the other, both knees bend."""

from feedback.catalogue import Exercise
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="lunge",
    joint="knee",
    drives=(
        Drive("knee", rest=165, peak=90),
        Drive("hip_over_ankle", rest=0.7, peak=0.35),
        Drive("shoulder_over_ankle", rest=1.2, peak=0.8),
    ),
    posture=(Band("trunk", high=60),),
    signature=(
        Band("stride", low=0.32, when="peak", margin=0.12),
        Band("knee", high=150, when="peak", margin=20),
        Band("hip_over_ankle", high=-0.1, when="change"),
        Band("shoulder_over_ankle", high=-0.1, when="change"),
        Band("shoulder_rise", high=-0.07, when="change", margin=0.05),
        Band("trunk", high=50, when="peak"),
    ),
    floor=0.2,
    alternating=True,
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Lunge"))
