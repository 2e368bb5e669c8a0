"""From a file to a motion: frames, sampling, the person, landmarks."""
