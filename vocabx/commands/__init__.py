"""One folder per command: options.py, plan.py (checks before the work), run.py (the steps), report.py."""
