"""Serve any Chalice app from a container, as API Gateway would."""

__version__ = "0.1.0"
