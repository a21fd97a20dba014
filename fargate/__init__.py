"""Serve any Chalice app from a container, as API Gateway would."""
