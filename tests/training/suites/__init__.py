"""Promises of the suites: tasks, clips, methods, figures, results that go on, the report."""
