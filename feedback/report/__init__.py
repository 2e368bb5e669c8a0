"""The report: its schema, and its parts.

schema.py       the fields of the report
composition.py  makes a report from findings
score.py        the score
statistics.py   range, tempo, symmetry, consistency
summary.py      the sentences
"""
