"""Jumping jack: the arms swing up sideways while the feet jump apart."""

from feedback.catalogue import Exercise
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

EXERCISE = Exercise(movement=MOVEMENT, name=N_("Jumping jack"))
