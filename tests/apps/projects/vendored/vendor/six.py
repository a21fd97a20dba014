"""A changed copy of an installed package: on Lambda it wins."""

__version__ = "vendored"
