"""Promises about importing models and keeping them."""
