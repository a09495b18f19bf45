"""Promises of the curation stages."""
