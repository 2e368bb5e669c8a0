"""Push-up: the arms bend and lower the whole straight body."""

from feedback.catalogue import Exercise
from pose.movement import Drive, Movement

MOVEMENT = Movement(
    id="push_up",
    joint="elbow",
    drives=(Drive("elbow", rest=165, peak=85), Drive("shoulder_over_wrist", rest=0.55, peak=0.25)),
)

EXERCISE = Exercise(movement=MOVEMENT)
