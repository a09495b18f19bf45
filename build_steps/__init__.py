"""What `build.py` does, step by step; standard library only, and nothing else imports it."""
