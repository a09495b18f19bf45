"""The models that a user imported: recognising, checking, copying, listing, removing."""
