"""`python -m fargate [MODULE:ATTRIBUTE]`: serve a Chalice app until SIGTERM.

Handles signals before it imports anything that takes time. A container's command is process 1, for which the kernel has
no default action: SIGTERM would be lost, and the server would start after it.
"""

import os
import sys

from fargate.lifecycle import Lifecycle, Phase
from fargate.servers.signals import end_while_starting


def main() -> int:
    """Serve; return the process's exit code."""
    lifecycle = Lifecycle(Phase.STARTING)
    end_while_starting(lifecycle)
    from fargate import command

    return command.main(sys.argv[1:], os.environ, lifecycle)


if __name__ == "__main__":
    sys.exit(main())
