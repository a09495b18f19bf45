"""Tests of the models that curation chooses from."""
