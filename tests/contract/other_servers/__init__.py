"""The adapter in servers that it does not start itself, and below mounts of servers and of other apps."""
