"""What each command of `dothis` does; consumer/cli.py has their options."""
