"""Tests of the pipeline: plan, motion, paint, separate, deliver and the folder they end in."""
