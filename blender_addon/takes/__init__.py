"""Takes: where they lie on disk and how they are placed in a scene."""
