"""The review of a set: sheets, one static page, and the decisions that people take on it."""
