"""Every change to another library, one module each, with the reason to drop it.

From outside: every module. tests/fargate/patches/test_canaries.py fails when a library changes what is used here.
"""
