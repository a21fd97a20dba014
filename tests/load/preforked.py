"""A rejected design: N processes of the shop that accept from one listening socket, as WORKERS=N would.

`python -m tests.load.preforked` serves so, to be measured beside what is done in its place. See docs/benchmarks.md.
"""

import os
import signal

from fargate.commands.serve import serve
from fargate.lifecycle import Lifecycle, Phase
from fargate.servers.listening import listen
from fargate.settings import read_settings
from fargate.start.application import call_on_start, load_app
from fargate.telemetry.stdout import bound_stdout

APP = "app:app"


def main() -> None:
    settings = read_settings(os.environ)
    listener = listen(settings.host, settings.port)
    children: list[int] = []
    for _ in range(int(os.environ["PROCESSES"])):
        child = os.fork()
        if not child:
            bound_stdout()
            app = load_app(APP)
            call_on_start(APP)
            serve(app, listener, settings, Lifecycle(Phase.STARTING))
            os._exit(0)
        children.append(child)
    signal.signal(signal.SIGTERM, lambda *_: [os.kill(child, signal.SIGTERM) for child in children])
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
