"""Tests of the feature store: tiers, files, a misbehaving disk, several processes."""
