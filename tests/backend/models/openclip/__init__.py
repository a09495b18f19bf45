"""Promises about the OpenCLIP towers and their tokeniser."""
