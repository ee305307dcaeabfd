"""What the program reads: language profiles, base aliases, templates."""
