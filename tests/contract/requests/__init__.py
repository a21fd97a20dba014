"""What a handler receives of a request."""
