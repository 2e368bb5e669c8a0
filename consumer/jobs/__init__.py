"""A job: its document, the moves between its states, its errors, the object paths of its owner, its results."""
