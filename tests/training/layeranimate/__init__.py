"""Tests of LayerAnimate's training."""
