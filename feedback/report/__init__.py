"""The report: its schema, and how it is composed of verdicts, score, statistics and sentences."""
