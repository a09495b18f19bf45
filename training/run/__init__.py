"""The training loop: processes, steps, checkpoints and logs of any task; knows no model."""
