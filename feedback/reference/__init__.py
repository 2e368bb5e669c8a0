"""Uses a reference video: learns an exercise from it, and compares a user's video with it.

learning.py    an exercise learned from a reference: its movement and checks
deviation.py   faults where a repetition falls short of the reference
similarity.py  how similar both videos are, as the report says it
"""
