"""Reports: the numbers, pages, plots and cards of extensions, transfers, trainings and evaluations."""
