"""From a video to motion."""
