"""Changes to other libraries, each with the reason to drop it. tests/fargate/patches fails when a library changes.

From outside: every module.
"""
