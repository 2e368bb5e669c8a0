"""Biceps curl: the forearms come up, the upper arms stay beside the trunk."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, FRONT, OBLIQUE, SIDE, Check, Exercise
from feedback.common import too_fast, uneven_sides
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="biceps_curl",
    joint="elbow",
    drives=(
        Drive("elbow", rest=160, peak=75),
        Drive("wrist_over_shoulder", rest=-0.5, peak=-0.05),
    ),
    posture=(Band("trunk", high=45),),
    signature=(
        Band("wrist_over_shoulder", high=-0.25, when="rest"),
        Band("wrist_over_shoulder", low=-0.35, high=0.1, when="peak"),
        Band("wrist_over_shoulder", low=0.12, when="change"),
        Band("elbow", low=115, when="rest"),
        Band("elbow", high=120, when="peak", margin=25),
        Band("shoulder", high=65, when="peak"),
        Band("shoulder_rise", low=-0.08, high=0.08, when="change"),
        Band("ankles_apart", high=0.15, when="change"),
        Band("left_ahead", high=0.3, when="range", margin=0.15),
    ),
    lowering_first=False,
)

CHECKS = (
    Check(
        id="incomplete_extension",
        measures="the elbow's angle at the end of the repetition",
        measure=measures.working_elbow,
        verdict="falls_short",
        above=False,
        threshold=143,
        clear=153,
        unit="deg",
        marks=("shoulder", "elbow", "wrist"),
        views=(*SIDE, *OBLIQUE),
        when="after_end",
        title=N_("Arms not straight at the bottom"),
        advice=N_("Lower the weight all the way until your arms are straight, as if reaching for your knees."),
        praise=N_("You lowered the weight all the way."),
        why=N_("The lowest part belongs to the repetition, too: the biceps works there at full length."),
        source="Elbow range 144.6 degrees (Marcolin 2018); bottom at least 150, less the pose error of 7 degrees",
    ),
    Check(
        id="partial_curl",
        measures="the elbow's angle at the highest point",
        measure=measures.working_elbow,
        verdict="falls_short",
        above=True,
        threshold=75,
        clear=62,
        unit="deg",
        marks=("shoulder", "elbow", "wrist"),
        views=(*SIDE, *OBLIQUE, *FRONT),
        sides="each",
        title=N_("Not curling all the way"),
        advice=N_("Curl all the way up, until your hands are close to your shoulders."),
        praise=N_("You curled all the way up."),
        why=N_("The top part is where the biceps is shortest and squeezes hardest."),
        source="Elbow range 144.6 degrees (Marcolin 2018); top at most 60-70, plus the pose error of 7 degrees",
    ),
    Check(
        id="elbow_drift",
        measures="the upper arm's angle to the trunk",
        measure=measures.joint("shoulder", in_picture=True),
        verdict="exceeds",
        above=True,
        threshold=28,
        clear=22,
        unit="deg",
        marks=("hip", "shoulder", "elbow"),
        views=SIDE,
        title=N_("Elbows drifting forward"),
        advice=N_("Keep your elbows beside your ribs, as if holding a towel under each arm."),
        praise=N_("Your elbows stayed beside your body."),
        why=N_("Still elbows leave the work to the biceps."),
        source="Shoulder range 0 degrees (Marcolin 2018); more than about 30 degrees is an " + ENGINEERING_DEFAULT,
    ),
    Check(
        id="body_swing",
        measures="how far the trunk swings away from how it stands",
        measure=measures.trunk_swing,
        verdict="exceeds",
        above=True,
        threshold=12,
        clear=8,
        unit="deg",
        marks=("hip", "shoulder"),
        against="vertical",
        views=SIDE,
        title=N_("Swinging the body"),
        advice=N_("Keep your trunk still and choose a lighter weight if needed, as if your back touched a wall."),
        praise=N_("Your body stayed still."),
        why=N_("Without swing, the arms do the work."),
        source="A sway of at most 12 degrees is an " + ENGINEERING_DEFAULT,
    ),
    uneven_sides("wrist", 12),
    too_fast(0.75),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Biceps curl"), checks=CHECKS)
