"""Sit-up: the trunk rises from lying on the back to sitting."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, OBLIQUE, SIDE, Check, Exercise
from feedback.common import too_fast, uneven_sides
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

CHECKS = (
    Check(
        id="partial_rise",
        measures="the trunk's lean from the vertical at the highest point",
        measure=measures.trunk_lean,
        verdict="falls_short",
        above=True,
        threshold=38,
        clear=25,
        unit="deg",
        marks=("hip", "shoulder"),
        against="vertical",
        views=(*SIDE, *OBLIQUE),
        title=N_("Not coming all the way up"),
        advice=N_("Come up until your trunk is upright, as if bringing your chest to your knees."),
        praise=N_("You came all the way up every time."),
        why=N_("The whole way up works the trunk and the hips through their full range."),
        source="Trunk to the vertical (USMA guide, APFT); 75 degrees from the floor less the pose error, and room for a "
        "decline bench, is an " + ENGINEERING_DEFAULT,
    ),
    Check(
        id="feet_lift",
        measures="how far the ankle is up from where it rests",
        measure=measures.feet_lift,
        verdict="exceeds",
        above=True,
        threshold=9,
        clear=6,
        unit="cm",
        marks=("ankle",),
        views=SIDE,
        severity="minor",
        title=N_("Feet lifting"),
        advice=N_("Keep your feet on the floor, as if pulling your heels towards you."),
        praise=N_("Your feet stayed on the floor."),
        why=N_("With still feet the trunk does the work, not the swing of the legs."),
        source="Feet down (USMA guide); 9 cm, three times the pose's jitter, is an " + ENGINEERING_DEFAULT,
    ),
    uneven_sides("shoulder", 8),
    too_fast(0.8),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Sit-up"), checks=CHECKS)
