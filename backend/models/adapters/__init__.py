"""Adapters (LoRA): their file format, whether one fits a model, and wearing them."""
