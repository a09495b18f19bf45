"""The rows of the error catalogue, by what they speak of; `errors` joins them."""
