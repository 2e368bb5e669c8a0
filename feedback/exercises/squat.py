"""Squat: both knees and hips bend, the trunk stays over the feet."""

from feedback.catalogue import Exercise
from pose.movement import Drive, Movement

MOVEMENT = Movement(
    id="squat",
    joint="knee",
    drives=(
        Drive("knee", rest=170, peak=80),
        Drive("hip", rest=170, peak=70),
        Drive("shoulder_over_ankle", rest=1.25, peak=0.75),
    ),
)

EXERCISE = Exercise(movement=MOVEMENT)
