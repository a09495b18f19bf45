"""Which place on a stroke became which on its partner: matched strokes brought to one layout."""
