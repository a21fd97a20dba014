"""The shop without its audit, for tests that count loads: the audit reads the database once in a thousand hits."""

import functools

from app import app, on_start
from chalicelib import bootstrap
from chalicelib.cache.audit import Audit

__all__ = ["app", "on_start"]

bootstrap.Audit = functools.partial(Audit, one_in=0)  # type: ignore[assignment, attr-defined]
