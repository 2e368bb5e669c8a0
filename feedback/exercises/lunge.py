"""Lunge: one foot far ahead of the other, both knees bend."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, FRONT, OBLIQUE, SIDE, Check, Exercise
from feedback.common import too_fast, uneven_sides
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
        Band("stride", low=0.32, when="usual", margin=0.12),
        Band("knee", high=150, when="peak", margin=20),
        Band("hip_over_ankle", high=-0.1, when="change"),
        Band("shoulder_over_ankle", high=-0.1, when="change"),
        Band("shoulder_rise", high=-0.07, when="change", margin=0.05),
        Band("trunk", high=50, when="peak"),
    ),
    floor=0.2,
    alternating=True,
)

CHECKS = (
    Check(
        id="shallow_depth",
        measures="the front knee's angle at the lowest point",
        measure=measures.joint("knee"),
        verdict="falls_short",
        above=True,
        threshold=122,
        clear=110,
        unit="deg",
        marks=("hip", "knee", "ankle"),
        views=(*SIDE, *OBLIQUE),
        sides="working",
        title=N_("Not deep enough"),
        advice=N_("Sink lower until your front knee is at a right angle, as if lowering your back knee onto a cushion."),
        praise=N_("You went down far enough every time."),
        why=N_("The lower part of the movement is where thighs and glutes work hardest."),
        source="The rear knee comes down to the board behind the front heel (FMS in-line lunge), which bends the front knee to "
        "75-110 degrees; plus the pose error of 7-14 degrees",
    ),
    Check(
        id="forward_lean",
        measures="the trunk's lean from the vertical",
        measure=measures.trunk_lean,
        verdict="exceeds",
        above=True,
        threshold=32,
        clear=27,
        unit="deg",
        marks=("hip", "shoulder"),
        against="vertical",
        views=SIDE,
        title=N_("Leaning too far forward"),
        advice=N_("Keep your trunk upright over your hips, as if balancing a book on your head."),
        praise=N_("You stayed upright."),
        why=N_("An upright trunk keeps the balance and leaves the work to the legs."),
        source="Trunk vertical, with minimal movement (FMS in-line lunge); 20 degrees plus the pose error is an "
        + ENGINEERING_DEFAULT,
    ),
    Check(
        id="knee_valgus",
        measures="how far the front knee is inside the line from hip to ankle with the leg bent",
        measure=measures.knee_inside,
        verdict="exceeds",
        above=True,
        threshold=5,
        clear=3.5,
        unit="cm",
        marks=("hip", "knee", "ankle"),
        views=FRONT,
        sides="working",
        title=N_("Front knee falling inwards"),
        advice=N_("Push your front knee out over your little toe, as if pressing against a wall beside it."),
        praise=N_("Your front knee stayed over your foot."),
        why=N_("With the knee over the foot, the leg pushes with its full strength."),
        source="Frontal plane projection as in Gwynne and Curran 2014; 5 cm is an " + ENGINEERING_DEFAULT,
    ),
    uneven_sides("shoulder", 8),
    too_fast(0.75),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Lunge"), checks=CHECKS)
