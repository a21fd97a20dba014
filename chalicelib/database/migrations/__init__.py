"""The schema's history: one module a step in `versions/`, numbered in their order, run by `chalicelib.migrate`.

What must hold: a step runs in a transaction of its own and changes everything or nothing; it keeps every row; it
raises `RefusedError` where a person has to decide. A new step copies the shape of the newest one: `revision` is its
number, `down_revision` the number before it, its docstring's first line what `make run` and the deployment print.
"""


class RefusedError(Exception):
    """A step cannot be taken with the data as they are; says in one sentence why, and what to do."""
