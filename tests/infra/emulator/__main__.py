"""Run it: `python -m tests.infra.emulator HOST PORT`."""

import sys
from importlib import import_module

import waitress
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

ADDITIONS = ("autoscaling", "cloudformation", "ec2", "ecs", "efs", "elasticache", "logs", "rds")
THREADS = 32  # as many requests as Terraform has on the way at the same time


def main(host: str, port: int) -> None:
    """Serve until ended; by waitress, since moto's own development server drops a connection now and then."""
    for addition in ADDITIONS:
        import_module(f"tests.infra.emulator.{addition}")
    waitress.serve(DomainDispatcherApplication(create_backend_app), host=host, port=port, threads=THREADS)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
