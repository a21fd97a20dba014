"""The handlers besides routes, and the command that calls one."""
