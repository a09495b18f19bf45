"""Durable jobs: states, queue, content store and the worker process."""
