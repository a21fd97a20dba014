"""Checks of the workflows and scripts against what they name: Terraform, the images, the role, the Makefile."""

import re
from collections.abc import Iterator

from tests.workflows.runner import combinations
from tests.workflows.tree import SCRIPTS, Document, Tree, block, declared, jobs_of, resources

ACTIONS = {
    "ecr get-login-password": "ecr:GetAuthorizationToken",
    "ecs wait tasks-stopped": "ecs:DescribeTasks",
    "sts get-caller-identity": None,  # needs no permission
}
"""The permission that a call of the aws program needs, where its name differs."""


PUSHING = {
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
}
"""The calls of ECR that a push of an image needs, and the join of two."""

TAGS = {"commit": "image_tag", "folder": "prometheus_image_tag"}
"""The Terraform variable for each tag, by the tag's source."""

RUNNERS = {"amd64": "ubuntu-24.04", "arm64": "ubuntu-24.04-arm"}
"""The runner that builds and tries the image for each processor."""


def terraform_names(tree: Tree) -> Iterator[str]:
    root = tree.together("terraform", "*.tf")
    for name, script in tree.scripts().items():
        for folder in set(re.findall(r"-chdir=(\S+)", script)) - {"terraform"}:
            yield f"{name}: {folder} is not where Terraform's tree is"
        given = set(re.findall(r'-var="?(\w+)=', script))
        if unknown := given - declared("variable", root):
            yield f"{name}: Terraform has no variables {sorted(unknown)}"
        if given and not {"env", "service", "region", *TAGS.values()} <= given:
            yield f"{name} does not say what is deployed: {sorted(given)}"
        read = set(re.findall(r"\$\((?:terraform -chdir=terraform )?output (?:-raw |-json )?(\w+)\)", script))
        if unknown := read - declared("output", root):
            yield f"{name}: Terraform has no outputs {sorted(unknown)}"


def addresses(tree: Tree) -> Iterator[str]:
    """Yield targets of a partial apply that do not exist."""
    lines = (line.partition("#")[0].strip() for line in tree.text(SCRIPTS / "before-roll-out.txt").splitlines())
    before = [line for line in lines if line]
    only = [job["with"]["only"] for _, job in jobs_of(tree.workflows()) if job.get("with", {}).get("only")]
    if only != ["module.ecr"]:
        yield f"there is to be somewhere to push to, and nothing else: {only}"
    back = re.findall(r'/apply\.sh" ([\w.]+)', tree.text(SCRIPTS / "roll-back.sh"))
    if back != ["module.app"]:
        yield f"roll-back.sh is to go back with the application, and with nothing else: {back}"
    yield from (f"Terraform has no {address}" for address in (*before, *only, *back) if not _has(tree, address))


def _has(tree: Tree, address: str) -> bool:
    root = tree.together("terraform", "*.tf")
    module, _, resource = address.removeprefix("module.").partition(".")
    if not address.startswith("module."):
        return address in resources(root)
    source = re.search(r'source\s*=\s*"\./(modules/\w+)"', block("module", module, root))
    if source is None:
        return False
    return not resource or resource in resources(tree.together(f"terraform/{source[1]}", "*.tf"))


def images(tree: Tree) -> Iterator[str]:
    """Yield errors in the images' files, and in how the tag reaches the tasks."""
    matrix = _matrix(tree)
    for each in matrix.values():
        for kind in ("dockerfile", "context"):
            if not tree.exists(each[kind]):
                yield f"{each['image']}: its {kind} {each[kind]} is not there"
        for argument in ("BASE=", "REVISION"):
            if f"\nARG {argument}" not in tree.text(each["dockerfile"]):
                yield f"{each['dockerfile']} does not take {argument}"
    for name, each in matrix.items():
        file = tree.text(f"terraform/{name}.tf")
        if f'"${{module.ecr.repository_urls.{name}}}:${{var.{TAGS.get(each["tagged-by"])}}}"' not in file:
            yield f"terraform/{name}.tf does not run the image of its repository with the pipeline's tag"
    waivers = [line.split() for line in tree.text(".github/scan-waivers.txt").splitlines() if not line.startswith("#")]
    yield from (f"{words[0]} is no image, but has a waiver" for words in waivers if words and words[0] not in matrix)


def architectures(tree: Tree) -> Iterator[str]:
    """Yield errors between the image for each processor and their common tag."""
    jobs = tree.workflows()["build-app.yml"]["jobs"]
    build, tag = jobs["build"], jobs["tag"]
    found = {(each.get("image"), each.get("architecture")): each.get("runner") for each in combinations(build)}
    wanted = {(image, architecture): runner for image in _matrix(tree) for architecture, runner in RUNNERS.items()}
    if found != wanted:
        yield f"images are built on {found}"
    said = {name: f"${{{{ steps.push.outputs.{name} }}}}" for name in (f"{image}-{kind}" for image, kind in wanted)}
    if build.get("outputs") != said:
        yield f"the pushed image is named by {build.get('outputs')}"
    for each in combinations(tag):
        own = _matrix(tree).get(each["image"], {})
        if any(each[name] != own.get(name) for name in ("context", "suffix", "tagged-by")):
            yield f"{each['image']} is tagged as {each}, but built as {own}"
        digests = {kind: f"${{{{ needs.build.outputs.{each['image']}-{kind} }}}}" for kind in RUNNERS}
        if any(each.get(kind) != digest for kind, digest in digests.items()):
            yield f"{each['image']} is joined of {each}"


def repositories(tree: Tree) -> Iterator[str]:
    """Yield errors in the names of the repositories."""
    matrix = _matrix(tree)
    jobs = tree.workflows()["build-app.yml"]["jobs"].values()
    named = {"${{ inputs.env }}-${{ inputs.service }}${{ matrix.suffix }}"}
    given = {job["env"]["REPOSITORY"] for job in jobs}
    if given != named or 'name              = "${var.env}-${var.service}"' not in tree.text("terraform/main.tf"):
        yield "repositories are not named <env>-<service> on both sides"
    there = dict(re.findall(r'^ +(\w+) += "?([^"\n]+)"?$', _locals(tree, "repositories"), re.MULTILINE))
    suffixes = {name: re.sub(r"^(\$\{var\.name\}|var\.name)", "", value) for name, value in there.items()}
    if suffixes != {name: each["suffix"] for name, each in matrix.items()}:
        yield f"Terraform's repositories are {there}"


def _matrix(tree: Tree) -> dict[str, Document]:
    built = combinations(tree.workflows()["build-app.yml"]["jobs"]["build"])
    return {each["image"]: each for each in built if "image" in each}


def _locals(tree: Tree, name: str) -> str:
    found = re.search(rf"^  {name} = {{\n(.*?)^  }}", tree.text("terraform/modules/ecr/repositories.tf"), re.M | re.S)
    return found[1] if found else ""


def migration(tree: Tree) -> Iterator[str]:
    """Yield errors in the migration task."""
    container = _container(tree, "migrate")
    task = tree.text("terraform/migration.tf")
    if f'name    = "{container}"' not in task:
        yield "migrate.sh waits for a container that is not the migration's"
    command = re.search(r'command = \["python", "-m", "([\w.]+)"\]', task)
    if command is None or not tree.exists(command[1].replace(".", "/") + ".py"):
        yield "the migration runs a module that is not there"
    if '"${module.ecr.repository_urls.app}:${var.image_tag}"' not in task:
        yield "the migration does not run the image that is rolled out"
    if "awslogs-stream-prefix = var.container.name" not in tree.text("terraform/modules/ecs_task/task_definition.tf"):
        yield "migrate.sh reads another log stream than the task writes"


def services(tree: Tree) -> Iterator[str]:
    """Yield errors in the services that scripts read, wait for and call."""
    running, wait, smoke = (tree.text(SCRIPTS / f"{name}.sh") for name in ("find-running", "wait-stable", "smoke-test"))
    container = _container(tree, "find-running")
    if (
        f'name                 = "{container}"' not in tree.text("terraform/app.tf")
        or "name=$ENV-$SERVICE\n" not in running
    ):
        yield "find-running.sh looks at another container or service than the application's"
    if '"$service-prometheus"' not in wait or 'prometheus_name   = "${local.name}-prometheus"' not in tree.text(
        "terraform/main.tf"
    ):
        yield "wait-stable.sh waits for another service than Prometheus'"
    routes = set(re.findall(r"""app\.route\(["'](/[^"'{]*)["']""", tree.text("app.py")))
    for path in re.findall(r"^expect \d+ '.*?' '?(/[\w-]+)", smoke, re.MULTILINE):
        if path not in routes:
            yield f"smoke-test.sh asks {path}, which is no route"


def _container(tree: Tree, script: str) -> str:
    found = re.search(r"^container=(\w+)$", tree.text(SCRIPTS / f"{script}.sh"), re.MULTILINE)
    return found[1] if found else ""


def defaults(tree: Tree) -> Iterator[str]:
    root = tree.together("terraform", "*.tf")
    text = tree.together(".github/workflows", "*.yml")
    for name, variable in (("SERVICE", "service"), ("AWS_REGION", "region")):
        default = re.search(r'default\s*=\s*"([^"]*)"', block("variable", variable, root))
        said = set(re.findall(rf"vars\.{name} \|\| '([^']*)'", text))
        if default is None or said != {default[1]}:
            yield f"{name} is {sorted(said)} by default, and something else in Terraform"
    if len(set(re.findall(r"vars\.ENV \|\| '([^']*)'", text))) != 1:
        yield "ENV is not the same everywhere by default"
    branches = re.search(
        r"default\s*=\s*\[(.*?)\]",
        block("variable", "branches", tree.text("terraform/modules/github_oidc/variables.tf")),
    )
    trusted = re.findall(r'"([^"]+)"', branches[1]) if branches else []
    pushed = tree.workflows()["deploy-app.yml"]["on"]["push"]["branches"]
    if pushed != trusted:
        yield f"{pushed} are deployed, but the role trusts {trusted}"


def versions(tree: Tree) -> Iterator[str]:
    text = tree.together(".github/workflows", "*.yml")
    installed = set(re.findall(r"terraform_version: ([\d.]+)", text))
    wanted = re.search(r'required_version = ">= ([\d.]+)"', tree.text("terraform/versions.tf"))
    if len(installed) != 1 or wanted is None or _numbers(*installed) < _numbers(wanted[1]):
        yield f"Terraform {sorted(installed)} is installed, and not what versions.tf asks for"
    least = re.search(r'requires-python = ">=([\d.]+)"', tree.text("pyproject.toml"))
    pythons = tree.workflows()["ci.yml"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    if least is None or min(map(_numbers, pythons)) != _numbers(least[1]):
        yield f"Python {pythons} are tested, but not the oldest that is promised"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def make_targets(tree: Tree) -> Iterator[str]:
    targets = set(re.findall(r"^([a-z-]+):", tree.text("Makefile"), re.MULTILINE))
    for place, job in jobs_of(tree.workflows()):
        for step in job.get("steps", ()):
            named = re.findall(r"^make (?:\w+=\S+ )*([a-z-]+)$", step.get("run", ""), re.MULTILINE)
            yield from (f"{place}: there is no make {name}" for name in named if name not in targets)


def role(tree: Tree) -> Iterator[str]:
    """Yield calls of AWS that the role does not permit."""
    policy = tree.text("terraform/modules/github_oidc/permissions.tf")
    allowed = set(re.findall(r'"(\w+:[A-Z]\w+)"', policy))
    asked = set(PUSHING)
    for script in tree.scripts().values():
        for call in re.findall(r"\baws ((?:\w+ wait|\w+) [a-z-]+)", script):
            action = ACTIONS.get(call, f"{call.split()[0]}:{_camel(call.split()[-1])}")
            asked |= {action} if action else set()
    if missing := asked - allowed:
        yield f"the role may not {sorted(missing)}"
    suffixes = re.search(r'for suffix in \["", "(-\w+)"\]', policy)
    if suffixes is None or f'${{var.name}}{suffixes[1]}"' not in _locals(tree, "repositories"):
        yield "the role does not push to both repositories"


def _camel(words: str) -> str:
    return "".join(word.capitalize() for word in words.split("-"))
