"""The `acetate` command."""
