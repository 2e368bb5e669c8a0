"""What is judged: an exercise and its checks (`catalogue`), what they measure (`measures`; `references` finds one by its name),
and the verdict on each repetition (`judgement`)."""
