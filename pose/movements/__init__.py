"""From a motion to sets.

    signals.py       named signals of a motion, from the angles of angles.py and the view of view.py
    movement.py      the definition of a movement; each exercise file has one
    repetitions.py   repetitions and holds of one movement, from the cycles of cycles.py
    sets.py          the sets of a film and their movements, chosen from candidates.py
    repeated.py      sets of movements that no exercise file defines (periodicity.py, tracks.py, learning.py)
    comparison.py    a motion compared with a reference

What counts as a repetition: cycles.py has the limits that hold for all movements, `Movement.floor` that of one.
"""
