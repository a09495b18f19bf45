"""Which stroke of one key became which of the next, copied or drawn anew."""
