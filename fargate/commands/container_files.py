"""The text of a Dockerfile, a .dockerignore and a compose file for a Chalice app.

The image has no value of `.chalice/config.json`: some may be secret, and every layer of an image can be read.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from textwrap import indent

from fargate.commands.program import SCRIPT
from fargate.settings import Server, Settings
from fargate.start.project import CONFIGURATION, DEFAULT_STAGE, LISTENING, STAGE_VARIABLE, Project

SPARE_SECONDS = 10
"""From the end of the drain to SIGKILL."""

FROM_THE_SHELL = (
    "API_KEYS",
    "AWS_ACCESS_KEY_ID",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "POLL_QUEUES",
    "SCHEDULE_REDIS_URL",
    "WEBSOCKET_ACCESS_KEYS",
    "WEBSOCKET_REDIS_URL",
)
"""Variables that compose passes on: what AWS gives to a task, and settings that stages leave to the container."""

NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that JSON leaves as they are, and YAML refuses or takes for the end of a line."""

PIP = "python -m pip --python /venv/bin/python"


@dataclass(frozen=True, slots=True)
class Container:
    """What goes into an image, and how it is run."""

    program: str  # with the version: what writes the files
    target: str  # MODULE:ATTRIBUTE
    server: Server
    python: str  # such as 3.13
    sources: tuple[str, ...]  # files and folders of the app
    requirements: tuple[str, ...]  # the app's file of requirements and those that it names
    hashed: bool  # pip then installs them alone: it refuses everything else that has no hash
    package: str  # what pip installs of the adapter
    wheel: str | None  # the file of the adapter, if it is not from an index
    project: Project
    settings: Settings  # as the project's variables have them


def dockerfile(container: Container) -> str:
    """Return the Dockerfile."""
    return f"""\
# The Chalice app {container.target} in a container. Written by {container.program}.
#
#   BASE   a slim Python on Debian. A tag moves; for the same image again, pass a digest:
#          docker build --build-arg BASE=python:{container.python}-slim@sha256:... .
#
# The variables of {CONFIGURATION} are not in the image, since every layer can be read. Pass them when it is run:
# compose.yaml does so; a task definition of ECS has `environment`, and `secrets` for what is secret. {STAGE_VARIABLE}
# names the stage, if it is not {DEFAULT_STAGE}: names of functions have it, and what tasks share in Redis.
ARG BASE=python:{container.python}-slim

FROM ${{BASE}} AS build
WORKDIR /build
{_copies([*container.requirements, *([container.wheel] if container.wheel else [])])}\
# Lambda's Python has boto3, so apps import it without a requirement: the extra "secrets" is boto3.
RUN {_steps(container)}
WORKDIR /app
{_copies(container.sources)}\
# Readable by every user, and compiled where that is possible: the container writes no files.
RUN chmod -R u=rwX,go=rX . && {{ python -m compileall -qq . || true; }}

FROM ${{BASE}}
# Without pip, nothing more can be installed.
RUN python -m pip uninstall --yes --root-user-action=ignore pip
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SERVER={container.server}
USER 10001:10001
EXPOSE {Settings().port}
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["python", "-m", "fargate.probe"]
# In exec form: the server itself gets SIGTERM, and ends open requests first.
CMD ["python", "-m", "fargate", {json.dumps(container.target)}]
"""


def dockerignore(container: Container) -> str:
    """Return the .dockerignore: a list of what the build may read."""
    wheel = [container.wheel] if container.wheel else []
    names = "".join(f"!{name}\n" for name in (*container.sources, *container.requirements, *wheel))
    return f"""\
# What the build reads, and nothing else: a new file stays out until it is named here.
*
{names}
**/__pycache__
**/*.pyc
"""


def compose(container: Container) -> str:
    """Return the compose file, for this machine."""
    settings = container.settings
    grace = settings.drain_accept_seconds + settings.drain_seconds + SPARE_SECONDS
    port = Settings().port
    return f"""\
# The app on this machine: docker compose up --build --wait, then http://localhost:{port}
# Written by {container.program}.
#
# Handlers besides routes, if the app has some:
#   docker compose up --build poll       consumes their queues
#   docker compose up --build schedule   runs the schedules
#   docker compose run --rm app {SCRIPT} invoke NAME --app {container.target} --sample   calls one handler
services:
  app: &app
    build: .
    environment:
{indent(_environment(container.project), " " * 6)}
    ports: ["127.0.0.1:${{PORT:-{port}}}:{port}"]
    read_only: true
    tmpfs: [/tmp]
    cap_drop: [ALL]
    security_opt: [no-new-privileges:true]
    init: true
    stop_grace_period: {grace}s # longer than DRAIN_ACCEPT_SECONDS and DRAIN_SECONDS together
    # The health check is in the image.
{_command("poll", container.target)}{_command("schedule", container.target)}"""


def _command(name: str, target: str) -> str:
    """Return a service for another command of the same image. Only `up NAME` starts it, and it has no port to probe."""
    return f"""
  {name}:
    <<: *app
    command: {json.dumps([SCRIPT, name, target])}
    profiles: [{name}]
    ports: []
    healthcheck: {{ disable: true }}
"""


def _copies(names: Iterable[str]) -> str:
    return "".join(f"COPY {name} {name}\n" for name in names)


def _steps(container: Container) -> str:
    """Return the command that makes the virtual environment; pip resolves all requirements together if it can."""
    app = [f"--requirement {container.requirements[0]}"] if container.requirements else []
    adapter = [json.dumps(container.package)]
    installs = [app, adapter] if container.hashed else [app + adapter]
    steps = [
        "python -m venv --without-pip /venv",
        *(
            f"{PIP} install --no-cache-dir --disable-pip-version-check \\\n        {' '.join(each)}"
            for each in installs
        ),
        f"{PIP} uninstall --yes pip wheel",
    ]
    return " \\\n    && ".join(steps)


def _environment(project: Project) -> str:
    """Return the items of the compose file's environment, with comments."""
    stage = {} if project.stage == DEFAULT_STAGE else {STAGE_VARIABLE: project.stage}
    passed = {name: value for name, value in {**stage, **project.environment}.items() if name not in LISTENING}
    left_out = sorted(LISTENING & set(project.environment))
    lines = [f"# {CONFIGURATION}, stage {project.stage}, when this file was written:"] if passed else []
    lines += [f"- {_text(f'{name}={value}')}" for name, value in passed.items()]
    if left_out:
        lines.append(f"# Left out: {', '.join(left_out)}, which would say where the server listens.")
    lines.append("# From your shell, where it has them; on AWS, the task's role and region are in the place of AWS_*:")
    lines += [f"- {name}" for name in FROM_THE_SHELL if name not in passed]
    return "\n".join(lines)


def _text(value: str) -> str:
    """Return a value as a YAML string in which compose replaces nothing."""
    text = json.dumps(value, ensure_ascii=False).replace("$", "$$")
    return NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
