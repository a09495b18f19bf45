"""Tensors kept between steps, jobs and restarts: device, host memory and disk, by bytes."""
