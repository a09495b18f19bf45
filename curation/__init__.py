"""From raw animation to a layered data set."""
