"""Raw footage: what a file is, its frames, and whose it is; the first thing in a run."""
