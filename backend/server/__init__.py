"""The ZeroMQ server around the job queue."""
