"""What both sides speak: requests, results, messages, client and errors."""
