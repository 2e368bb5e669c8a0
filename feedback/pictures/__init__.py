"""Draws the pictures of repetitions, the graph and the annotated video.

shots.py            chooses the moments to show
stills.py           worst1.png, worst2.png and best.png, with the cards of cards.py and the names of naming.py
side_by_side.py     comparison.png
graph.py            graph.png, with the angles of curve.py
annotated_video.py  annotated.mp4, drawn on the planes of planes.py
drawing.py          the skeleton, angles, targets, and all colours; lettering.py draws text
"""
