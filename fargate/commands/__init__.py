"""The commands of `python -m fargate`, one module each: `main(arguments, environ, lifecycle)` returns the exit code.

Only `fargate.command` uses them.
"""
