"""`make chaos`: kills, hangs, full volumes, hostile documents and videos. A seed repeats a run."""
