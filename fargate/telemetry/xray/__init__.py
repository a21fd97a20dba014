"""X-Ray segments: which requests are recorded, what a segment holds, and the UDP emitter.

From outside: `segments` and `recorder`.
"""
