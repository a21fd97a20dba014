"""The commands of `python -m fargate`: `main(arguments, environ, lifecycle)` of a module returns the exit code.

`serve`, `check`, `dockerfile`, `invoke`, `poll` and `schedule` are commands, the other modules their parts. Only
`fargate.command` uses this room.
"""
