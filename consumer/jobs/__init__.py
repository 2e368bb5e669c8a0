"""A job: its document, the moves between its states, its errors, whose paths are whose, its results."""
