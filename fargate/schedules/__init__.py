"""An app's schedules: when each is due, its runs one after the other, the lease of the one process that runs them.

From outside: `schedule`, `lease`, `course` and `runner`.
"""
