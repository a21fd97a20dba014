"""Every change to another library, one module each, with the reason to drop it.

From outside: every module. A test of each fails when a library changes what is used here.
"""
