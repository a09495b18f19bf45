"""How the points of matched strokes go from one key to the next: turns, joints, slides, waves."""
