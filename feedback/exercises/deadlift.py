"""Deadlift: the hips bend and the hanging arms lower a weight along the legs."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, OBLIQUE, SIDE, Check, Exercise
from feedback.common import too_fast, uneven_sides
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

CHECKS = (
    Check(
        id="incomplete_lockout",
        measures="the hip's angle at the end of the repetition",
        measure=measures.joint("hip"),
        verdict="falls_short",
        above=False,
        threshold=160,
        clear=170,
        oblique_margin=7,
        unit="deg",
        marks=("shoulder", "hip", "knee"),
        views=(*SIDE, *OBLIQUE),
        when="after_end",
        title=N_("Not standing up fully"),
        advice=N_("Finish each repetition standing tall, as if pushing a door shut with your hips."),
        praise=N_("You stood up fully every time."),
        why=N_("The last part of the way up is where the glutes work hardest."),
        source="Erect with the knees locked (IPF); hip at least 170 degrees, less the pose error of 7-14 degrees",
    ),
    Check(
        id="hips_rise_first",
        measures="how much further the trunk leans forward on the way up than at the lowest point",
        measure=measures.trunk_dips,
        verdict="exceeds",
        above=True,
        threshold=10,
        clear=6,
        unit="deg",
        marks=("hip", "shoulder"),
        against="vertical",
        views=SIDE,
        title=N_("Hips rising first"),
        advice=N_("Let chest and hips come up together, as if pushing the floor away with your legs."),
        praise=N_("Your hips and chest came up together."),
        why=N_("Rising together lets legs and trunk share the work from the start."),
        source="Hips that rise faster than the chest tip the trunk; more than the pose error of 7 degrees is an "
        + ENGINEERING_DEFAULT,
    ),
    uneven_sides("shoulder", 8),
    too_fast(0.8),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Deadlift"), checks=CHECKS)
