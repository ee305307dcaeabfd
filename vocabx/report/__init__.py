"""The report of one extension: report.json, and the same as one self-contained page."""
