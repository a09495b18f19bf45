"""acetate-mini: a small sketch expert on top of layer motion, under rules it cannot break."""
