"""HTTP values that every other room uses: requests, responses, header names, framing rules, request ids.

From outside: every module.
"""
