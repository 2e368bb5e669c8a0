"""Plank: a straight body held on forearms or hands."""

from feedback.catalogue import Exercise
from feedback.common import hips_piked, hips_sagging
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="plank",
    joint="body_line",
    drives=(Drive("shoulder_over_wrist", rest=0, peak=0.08),),
    posture=(
        Band("trunk", low=60, high=120),
        Band("facing_down", low=45),
        Band("wrist_over_shoulder", high=-0.2, margin=0.05),
        Band("hip", low=125, margin=25),
        Band("knee", low=130, margin=30),
    ),
    held=True,
)

CHECKS = (
    hips_sagging(lasting_s=0.5),
    hips_piked(lasting_s=0.5),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Plank"), checks=CHECKS)
