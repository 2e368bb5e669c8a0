"""Overhead press: the arms push a weight from the shoulders to above the head."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, FRONT, OBLIQUE, SIDE, Check, Exercise
from feedback.common import too_fast, uneven_sides
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

CHECKS = (
    Check(
        id="incomplete_lockout",
        measures="the elbow's angle at the highest point",
        measure=measures.joint("elbow", in_picture=True),
        verdict="falls_short",
        above=False,
        threshold=150,
        clear=160,
        unit="deg",
        marks=("shoulder", "elbow", "wrist"),
        views=(*FRONT, *SIDE, *OBLIQUE),
        sides="each",
        title=N_("Arms not straight overhead"),
        advice=N_("Press all the way up until your arms are straight, as if pushing the ceiling away."),
        praise=N_("You pressed all the way up every time."),
        why=N_("The last part of the way up trains the shoulders through their whole range."),
        source="Elbow at least 160 degrees, a coaching norm, less the pose error of 7-14 degrees",
    ),
    Check(
        id="back_lean",
        measures="the trunk's lean backwards from the vertical",
        measure=measures.trunk_lean_back,
        verdict="exceeds",
        above=True,
        threshold=15,
        clear=11,
        unit="deg",
        marks=("hip", "shoulder"),
        against="vertical",
        views=SIDE,
        title=N_("Leaning back"),
        advice=N_("Keep your ribs down and squeeze your glutes while you press, as if standing with your back against a wall."),
        praise=N_("Your trunk stayed upright while you pressed."),
        why=N_("An upright trunk leaves the work to the shoulders."),
        source="More than 12-15 degrees is an " + ENGINEERING_DEFAULT,
    ),
    uneven_sides("wrist", 10),
    too_fast(0.75),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Overhead press"), checks=CHECKS)
