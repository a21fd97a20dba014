"""HTTP clients share a TLS context.

httpx reads all of certifi's certificates for each client, also where the URL is http: 35 ms of CPU each time, more than
most tests take for the rest. A context may be shared.
"""

import functools

from httpx._transports import default


def share_tls_contexts() -> None:
    """Make each context once in this process."""
    default.create_ssl_context = functools.cache(default.create_ssl_context)
