"""Push-up: the arms bend and lower the whole straight body."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, OBLIQUE, SIDE, Check, Exercise
from feedback.common import too_fast
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="push_up",
    joint="elbow",
    drives=(
        Drive("elbow", rest=165, peak=85),
        Drive("elbow_in_picture", rest=165, peak=85),
        Drive("shoulder_over_wrist", rest=0.55, peak=0.25),
    ),
    posture=(Band("trunk", low=30), Band("facing_down", low=30), Band("hip", low=110, margin=30)),
    signature=(
        Band("wrist_over_shoulder", high=-0.2, when="rest"),
        Band("wrist_over_shoulder", low=0.03, when="change", margin=0.03),
        Band("shoulder_rise", high=-0.03, when="change", margin=0.03),
        Band("wrist_rise", low=-0.12, high=0.12, when="change"),
        Band("knee", low=130, when="peak", margin=30),
        Band("hip", low=120, when="peak", margin=30),
    ),
    floor=0.12,
)

BODY_LINE_SOURCE = (
    "Shoulders, hips and ankles in one line, moving as a unit (APFT; FitnessGram); 15 degrees off it, more than twice the pose "
    "error, is an " + ENGINEERING_DEFAULT
)

CHECKS = (
    Check(
        id="shallow_depth",
        measures="the elbow's angle at the lowest point",
        measure=measures.joint("elbow"),
        verdict="falls_short",
        above=True,
        threshold=108,
        clear=95,
        unit="deg",
        marks=("shoulder", "elbow", "wrist"),
        views=(*SIDE, *OBLIQUE),
        title=N_("Not low enough"),
        advice=N_(
            "Lower yourself until your elbows are bent to a right angle, as if bringing your chest to a fist on the floor."
        ),
        praise=N_("You went down far enough every time."),
        why=N_("The lowest part is where chest and arms work hardest."),
        source="Elbow at 90 degrees (AFI 36-2905; FitnessGram), plus the pose error of 7-14 degrees",
    ),
    Check(
        id="hips_sagging",
        measures="how far the hips are below the line from shoulder to ankle",
        measure=measures.hips_off_line,
        verdict="exceeds",
        above=False,
        threshold=-15,
        clear=-10,
        unit="deg",
        marks=("shoulder", "hip", "ankle"),
        views=SIDE,
        title=N_("Hips sagging"),
        advice=N_("Lift your hips into one line with shoulders and heels, as if pulling your belt buckle towards your chin."),
        praise=N_("Your body stayed in one straight line."),
        why=N_("A straight body lets trunk and arms work together."),
        source=BODY_LINE_SOURCE,
    ),
    Check(
        id="hips_piked",
        measures="how far the hips are above the line from shoulder to ankle",
        measure=measures.hips_off_line,
        verdict="exceeds",
        above=True,
        threshold=20,
        clear=15,
        unit="deg",
        marks=("shoulder", "hip", "ankle"),
        views=SIDE,
        title=N_("Hips too high"),
        advice=N_("Lower your hips into one line with shoulders and heels, as if you were a plank of wood."),
        praise=N_("Your hips stayed in line with your body."),
        why=N_("With the hips high, the arms carry less and the trunk hardly works."),
        source=BODY_LINE_SOURCE,
    ),
    Check(
        id="incomplete_lockout",
        measures="the elbow's angle at the end of the repetition",
        measure=measures.joint("elbow"),
        verdict="falls_short",
        above=False,
        threshold=145,
        clear=155,
        unit="deg",
        marks=("shoulder", "elbow", "wrist"),
        views=(*SIDE, *OBLIQUE),
        when="after_end",
        title=N_("Arms not straight at the top"),
        advice=N_("Push all the way up until your arms are straight, as if pushing the floor away."),
        praise=N_("You finished every repetition with straight arms."),
        why=N_("The last part of the way up belongs to the repetition, too."),
        source="Arms fully extended at the top (AFI 36-2905), 155 degrees less the pose error of 7-10 degrees",
    ),
    too_fast(0.8),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Push-up"), checks=CHECKS)
