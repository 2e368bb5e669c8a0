"""From motion to advice."""
