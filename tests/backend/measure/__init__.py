"""Tests of the counters."""
