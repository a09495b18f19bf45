"""Trainer, recipes and evaluation."""
