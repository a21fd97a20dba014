"""The servers that `python -m fargate` can use, one module each: `serve(app, listener, settings, lifecycle)`.

waitress is always there; uvicorn and granian are extras.
"""
