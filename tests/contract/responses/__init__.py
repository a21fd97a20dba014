"""What a client receives of a response, and the gateway's own responses."""
