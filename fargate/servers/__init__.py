"""The servers of `python -m fargate`, one module each: `serve(app, listener, settings, lifecycle)`.

waitress is always installed; uvicorn and granian are extras.
"""
