"""The commands of `dothis`. Their options are in consumer/cli.py."""
