"""Jumping jack: the arms swing up sideways while the feet jump apart."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, FRONT, REAR, Check, Exercise
from feedback.common import too_fast, uneven_sides
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="jumping_jack",
    joint="shoulder",
    drives=(
        Drive("shoulder", rest=20, peak=155),
        Drive("wrist_over_shoulder", rest=-0.5, peak=0.45),
        Drive("ankles_apart", rest=0.2, peak=0.65),
    ),
    posture=(Band("trunk", high=45),),
    signature=(
        Band("shoulder", low=55, when="change"),
        Band("shoulder", low=85, when="peak"),
        Band("wrist_over_shoulder", high=-0.25, when="rest"),
        Band("ankles_apart", low=0.15, when="change"),
        Band("elbow", low=115, when="peak", margin=20),
        Band("hip_over_ankle", low=-0.17, when="change"),
        Band("knee", low=125, when="peak"),
    ),
    lowering_first=False,
)

CHECKS = (
    Check(
        id="arms_low",
        measures="how far the line from shoulder to wrist is from straight up at the highest point",
        measure=measures.arm_from_vertical,
        verdict="falls_short",
        above=True,
        threshold=50,
        clear=35,
        unit="deg",
        marks=("shoulder", "wrist"),
        against="vertical",
        views=(*FRONT, *REAR),
        sides="each",
        title=N_("Arms too low"),
        advice=N_("Swing your arms all the way up, as if clapping above your head."),
        praise=N_("Your arms came up high every time."),
        why=N_("The whole swing of the arms works the shoulders and raises the pulse."),
        source="Arms overhead (turnstep); the limit is an " + ENGINEERING_DEFAULT,
    ),
    Check(
        id="feet_narrow",
        measures="the widest distance of the ankles as a multiple of the shoulders' width",
        measure=measures.feet_apart,
        verdict="falls_short",
        above=False,
        threshold=1.2,
        clear=1.5,
        unit="ratio",
        marks=("left_ankle", "right_ankle"),
        views=(*FRONT, *REAR),
        title=N_("Feet too close"),
        advice=N_("Jump your feet wider than your shoulders, as if landing on both edges of a mat."),
        praise=N_("You jumped wide every time."),
        why=N_("A wide jump works hips and legs."),
        source="Feet apart (turnstep); 1.2 times the shoulders' width is an " + ENGINEERING_DEFAULT,
    ),
    uneven_sides("wrist", 25),
    too_fast(0.4),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Jumping jack"), checks=CHECKS)
