"""`dev` keeps every promise."""

from tests.infra.slow.promises import *  # noqa: F403 - the tests themselves

ENVIRONMENT = "dev"
