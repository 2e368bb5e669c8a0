"""From a file to a motion.

reader.py       `read_motion`, which connects the others; upright.py also rotates videos that lie on their side
video.py        decodes a file; limits.py checks its limits, frame.py converts frames, slow_motion.py and cuts.py find both
parts.py        reads the parts of a video in parallel; sampling.py chooses the frames
landmarks.py    MediaPipe's tracker and detector; model.py has the model, native_log.py hides its messages
person.py       chooses the person who exercises; far.py finds a person who is small in the picture
"""
