"""Promises about LayerAnimate's own layout of a data set."""
