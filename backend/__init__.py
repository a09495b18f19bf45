"""The server side: models, layer motion, the pipeline, jobs and the command line."""
