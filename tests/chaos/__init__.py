"""What dies, hangs, fills up or is hostile, with a seed that reproduces a run: `make chaos`."""
