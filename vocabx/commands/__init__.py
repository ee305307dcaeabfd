"""One folder for each command: options.py what may be asked, plan.py what will be done, run.py the story."""
