"""The schema's migrations: one module per step in `versions/`, numbered in order, run by `chalicelib.migrate`.

A step runs in a transaction of its own, keeps every row, and raises `RefusedError` if a person must decide. To add one,
copy the newest: `revision` is its number, `down_revision` the number before it, and `make run` and the deployment print
the first line of its docstring.
"""


class RefusedError(Exception):
    """A step cannot run with this database. The message says in one sentence why, and what to do."""
