"""Promises about the sources themselves: who imports whom, how long things are, what is barred."""
