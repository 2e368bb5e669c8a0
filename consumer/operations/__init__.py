"""What an operator sees and sets: health, metrics, logs, traces, what is kept and what is removed."""
