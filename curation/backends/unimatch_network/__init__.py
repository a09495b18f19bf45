"""The network of UniMatch for optical flow: two scales and six refinements (spec 1.7)."""
