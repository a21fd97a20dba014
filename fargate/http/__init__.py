"""HTTP without a server: requests, responses, header names, framing rules, request ids.

From outside: every module.
"""
