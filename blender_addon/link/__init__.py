"""The link to the server: pure states, one network thread, and what it tells the interface."""
