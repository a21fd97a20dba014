"""The shop: what Lambda packages beside app.py. It never imports fargate/."""
