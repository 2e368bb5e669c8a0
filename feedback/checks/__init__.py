"""What is judged: an exercise and its checks (catalogue), what they measure, and the verdict on each repetition."""
