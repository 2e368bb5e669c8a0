"""Push-up: the arms bend and lower the whole straight body."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, FRONT, OBLIQUE, SIDE, Check, Exercise
from feedback.common import hips_piked, hips_sagging, too_fast, uneven_sides
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

CHECKS = (
    Check(
        id="shallow_depth",
        measures="the elbow's angle at the lowest point",
        measure=measures.arm_bend,
        verdict="falls_short",
        above=True,
        threshold=113,
        clear=100,
        unit="deg",
        marks=("shoulder", "elbow", "wrist"),
        views=(*SIDE, *OBLIQUE),
        title=N_("Not low enough"),
        advice=N_("Lower yourself until your elbows are at a right angle, as if touching a fist on the floor with your chest."),
        praise=N_("You went down far enough every time."),
        why=N_("The lowest part is where chest and arms work hardest."),
        source="Elbow at 90 degrees, upper arm level (AFI 36-2905; FitnessGram); bottom at most 95, plus the "
        "pose error of 7-14 degrees",
    ),
    hips_sagging(),
    hips_piked(),
    Check(
        id="incomplete_lockout",
        measures="the elbow's angle at the end of the repetition",
        measure=measures.joint("elbow"),
        verdict="falls_short",
        above=False,
        threshold=152,
        clear=160,
        oblique_margin=7,
        unit="deg",
        marks=("shoulder", "elbow", "wrist"),
        views=(*SIDE, *OBLIQUE),
        when="after_end",
        title=N_("Arms not straight at the top"),
        advice=N_("Push all the way up until your arms are straight, as if pushing the floor away."),
        praise=N_("You finished every repetition with straight arms."),
        why=N_("The last part of the way up belongs to the repetition, too."),
        source="Arms fully extended at the top (AFI 36-2905; APFT): 165 degrees, less the pose error of 7-14 degrees",
    ),
    Check(
        id="elbow_flare",
        measures="the upper arms' angle to the trunk at the lowest point",
        measure=measures.elbow_flare,
        verdict="exceeds",
        above=True,
        threshold=70,
        clear=60,
        unit="deg",
        marks=("left_elbow", "left_shoulder"),
        views=FRONT,
        severity="minor",
        title=N_("Elbows flaring out"),
        advice=N_("Bring your elbows closer to your body, as if your arms and head made an arrow, not a T."),
        praise=N_("You kept your elbows at a good angle."),
        why=N_("Closer elbows let chest and arms push together."),
        source="At about 90 degrees the shoulder works in an unfavourable position (J Athl Train 48(6):826), coaches teach "
        "about 45; more than 75 less the foreshortening is an " + ENGINEERING_DEFAULT,
    ),
    uneven_sides("shoulder", 8),
    too_fast(0.65),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Push-up"), checks=CHECKS)
