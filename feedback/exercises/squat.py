"""Squat: both knees and hips bend, the trunk stays over the feet."""

from feedback import measures
from feedback.catalogue import ENGINEERING_DEFAULT, FRONT, OBLIQUE, REAR, SIDE, Check, Exercise
from feedback.common import too_fast, uneven_sides
from feedback.words import N_
from pose.movement import Band, Drive, Movement

MOVEMENT = Movement(
    id="squat",
    joint="knee",
    drives=(
        Drive("knee", rest=170, peak=80),
        Drive("hip", rest=170, peak=70),
        Drive("shoulder_over_ankle", rest=1.25, peak=0.75),
    ),
    posture=(Band("trunk", high=75), Band("facing_down", low=-30, high=75)),
    signature=(
        Band("trunk", high=45, when="rest"),
        Band("knee", low=135, when="rest"),
        Band("knee", high=130, when="peak", margin=25),
        Band("hip_over_ankle", high=-0.15, when="change"),
        Band("shoulder_over_ankle", high=-0.15, when="change"),
        Band("shoulder_rise", high=-0.1, when="change"),
        Band("stride", high=0.2, when="peak", margin=0.12),
        Band("left_ahead", high=0.4, when="range", margin=0.2),
        Band("wrist_over_ankle", low=0.25, when="peak", margin=0.12),
        Band("trunk", high=50, when="change", margin=20),
    ),
)

CHECKS = (
    Check(
        id="shallow_depth",
        measures="the thigh's angle above level at the lowest point",
        measure=measures.thigh_height,
        verdict="falls_short",
        above=True,
        threshold=33,
        clear=20,
        unit="deg",
        marks=("knee", "hip"),
        against="horizontal",
        views=(*SIDE, *OBLIQUE),
        title=N_("Not deep enough"),
        advice=N_("Sit lower until your thighs are about level with the floor, as if reaching back for a low chair."),
        praise=N_("You reached a good depth every time."),
        why=N_("The lower part of the movement is where thighs and glutes work hardest."),
        source="Parallel suffices (USPA) and means the front of the thigh level (JSCR 2017), which leaves the line between the "
        "joints some 10 degrees above; the margin to 33 degrees, for the pose error, is an " + ENGINEERING_DEFAULT,
    ),
    Check(
        id="knee_valgus",
        measures="how far the knees are apart with bent legs, as a share of standing and of the way down at the same height",
        measure=measures.knees_apart,
        verdict="exceeds",
        above=False,
        threshold=89,
        clear=94,
        unit="%",
        marks=("left_knee", "right_knee"),
        views=(*FRONT, *REAR, *OBLIQUE),
        title=N_("Knees falling inwards"),
        advice=N_("Push your knees out over your toes, as if spreading the floor apart with your feet."),
        praise=N_("Your knees stayed over your feet."),
        why=N_("With the knees over the feet, the legs push with their full strength."),
        source="Knee separation as in Noyes 2005; no cut-off is published for two-legged squats: less than 89 % of one's own "
        "is an " + ENGINEERING_DEFAULT,
    ),
    Check(
        id="forward_lean",
        measures="the trunk's lean from the vertical",
        measure=measures.trunk_lean,
        verdict="exceeds",
        above=True,
        threshold=50,
        clear=45,
        unit="deg",
        marks=("hip", "shoulder"),
        against="vertical",
        views=SIDE,
        title=N_("Leaning too far forward"),
        advice=N_(
            "Keep your chest up and let your knees come forward, as if showing the print on your shirt to someone ahead."
        ),
        praise=N_("Your chest stayed up nicely."),
        why=N_("An upright trunk leaves the work to the legs."),
        source="Trunk as upright as possible (NSCA, quoted in JSCR 2017); trunk against shin decides between hip and knee "
        "(Barrack 2021); 50 degrees is an " + ENGINEERING_DEFAULT,
    ),
    Check(
        id="heel_rise",
        measures="how far the heel is up from where it stands",
        measure=measures.heel_lift,
        verdict="exceeds",
        above=True,
        threshold=3.5,
        clear=2.8,
        unit="cm",
        lasting_s=0.4,
        marks=("foot_index", "heel"),
        against="horizontal",
        views=SIDE,
        title=N_("Heels lifting"),
        advice=N_("Keep your whole foot on the floor, as if pressing your heels into the ground on the way up."),
        praise=N_("Your heels stayed on the floor."),
        why=N_("A whole foot on the floor gives balance and lets the glutes help."),
        source="More than about 4 % of the leg's length is an " + ENGINEERING_DEFAULT,
    ),
    uneven_sides("hip", 6),
    too_fast(0.75),
)

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Squat"), checks=CHECKS)
