"""The six tasks of the paper's tables as named suites: clips, methods, figures and the report."""
