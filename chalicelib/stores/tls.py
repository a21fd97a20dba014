"""What to do about a certificate that Python refuses for its form.

Since Python 3.13, `ssl.create_default_context` sets VERIFY_X509_STRICT: OpenSSL then refuses certificates without the
extensions that RFC 5280 demands. Private CAs that were made by hand often lack them.
"""

import ssl

STRICT_CODES = range(80, 94)
"""OpenSSL's X509_V_ERR_... that only VERIFY_X509_STRICT raises (openssl/x509_vfy.h)."""

ADVICE = (
    "; Python 3.13 and newer refuse such a certificate (VERIFY_X509_STRICT, RFC 5280): have the CA issue its"
    " certificates again, with an Authority Key Identifier and a Subject Key Identifier in each, and with critical"
    " Basic Constraints and a Key Usage in the CA's own"
)


def advice(error: BaseException) -> str:
    """Return what to do if the error is a certificate's form, or an empty text."""
    is_strict = isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in STRICT_CODES
    return ADVICE if is_strict else ""
