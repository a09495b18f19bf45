"""The link to the server: pure states, one process that talks, and what it tells the interface."""
