"""X-Ray segments: what is recorded, which requests are sampled, and the UDP emitter.

From outside: `segments`, `recorder` and `sampling`.
"""
