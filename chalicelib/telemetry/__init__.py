"""What the shop reports: Prometheus metrics, trace segments, and the adapters that report what the stores do.

From outside: every module.
"""
