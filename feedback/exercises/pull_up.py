"""Pull-up: the arms pull the hanging body up to the hands."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, FRONT, OBLIQUE, REAR, SIDE, Check, Exercise
from feedback.common import too_fast, uneven_sides
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="pull_up",
    joint="elbow",
    drives=(
        Drive("wrist_over_shoulder", rest=0.5, peak=0.1),
        Drive("elbow", rest=160, peak=60),
        Drive("elbow_in_picture", rest=160, peak=50),
    ),
    posture=(Band("trunk", high=60), Band("wrist_over_shoulder", low=-0.15)),
    signature=(
        Band("trunk", high=45, when="rest"),
        Band("wrist_over_shoulder", low=0.25, when="rest"),
        Band("wrist_over_shoulder", high=-0.12, when="change"),
        Band("shoulder_rise", low=0.12, when="change"),
        Band("wrist_rise", low=-0.1, high=0.1, when="change"),
    ),
    lowering_first=False,
)

CHECKS = (
    Check(
        id="incomplete_extension",
        measures="the elbow's angle at the end of the repetition",
        measure=measures.joint("elbow", in_picture=True),
        verdict="falls_short",
        above=False,
        threshold=145,
        clear=155,
        unit="deg",
        marks=("shoulder", "elbow", "wrist"),
        views=(*FRONT, *REAR, *OBLIQUE),
        when="after_end",
        sides="each",
        title=N_("Arms not straight at the bottom"),
        advice=N_("Lower yourself all the way until your arms are straight, as if hanging from the bar for a moment."),
        praise=N_("You lowered yourself all the way."),
        why=N_("Starting from a full hang makes every repetition count the same."),
        source="Dead hang with the arms fully extended (USMC); at least 155 degrees, less the pose error of 7-14 degrees",
    ),
    Check(
        id="chin_below_bar",
        measures="how far the mouth comes above the wrists",
        measure=measures.mouth_over_hands,
        verdict="falls_short",
        above=False,
        threshold=3,
        clear=8,
        unit="cm",
        marks=("mouth_left", "left_wrist"),
        views=(*FRONT, *REAR, *OBLIQUE),
        title=N_("Chin below the bar"),
        advice=N_("Pull until your chin is over the bar, as if driving your elbows into your back pockets."),
        praise=N_("Your chin came over the bar every time."),
        why=N_("The top part is where back and arms work hardest."),
        source="Chin above the bar (USMC): the mouth above the wrists, which are just below it; 3 cm is an "
        + ENGINEERING_DEFAULT,
    ),
    Check(
        id="kipping",
        measures="how far the hips swing out from where they hang",
        measure=measures.hip_sway,
        verdict="exceeds",
        above=True,
        threshold=22,
        clear=15,
        unit="cm",
        marks=("hip",),
        views=SIDE,
        title=N_("Swinging up"),
        advice=N_("Pull without swinging, as if a glass of water stood on your feet."),
        praise=N_("You pulled without swinging."),
        why=N_("Without swing, back and arms do the work."),
        source="No kipping (USMC); 22 cm is an " + ENGINEERING_DEFAULT,
    ),
    uneven_sides("shoulder", 8),
    too_fast(0.75),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Pull-up"), checks=CHECKS)
