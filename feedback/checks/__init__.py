"""What is judged: exercises with their checks, measures, verdicts."""
