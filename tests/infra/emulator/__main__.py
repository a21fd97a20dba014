"""Run it: `python -m tests.infra.emulator HOST PORT`."""

import logging
import sys
from importlib import import_module

import waitress
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from tests.infra.emulator.repeats import DoneOnce

ADDITIONS = (
    "autoscaling",
    "cloudformation",
    "ec2",
    "ecs",
    "efs",
    "elasticache",
    "events",
    "logs",
    "rds",
    "servicediscovery",
    "sqs",
)

THREADS = 4  # one works, the others wait for a message of a queue

# The provider keeps up to ten connections open for each service. Waitress would take no more than a hundred in all, and
# let the next one wait until another is given up: for a minute and a half.
CONNECTIONS = 1000


def main(host: str, port: int) -> None:
    """Serve with waitress, since moto's development server drops connections now and then."""
    for addition in ADDITIONS:
        import_module(f"tests.infra.emulator.services.{addition}")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # requests are meant to wait
    application = DoneOnce(DomainDispatcherApplication(create_backend_app))
    waitress.serve(application, host=host, port=port, threads=THREADS, connection_limit=CONNECTIONS)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
