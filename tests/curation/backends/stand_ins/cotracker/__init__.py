"""A stand-in for the package cotracker, for tests: none of its code, only its calls' shape."""
