"""The shop: what Lambda packages beside app.py. It never imports fargate/."""

__version__ = "0.1.0"
