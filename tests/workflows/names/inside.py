"""Checks between the workflows and the scripts they run: order, inputs, secrets, variables, permissions."""

import os
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from tests.workflows.tree import ROOT, SCRIPTS, Document, Tree, called_by, jobs_of

DEPLOYMENT = {
    "deploy-initial-infra": ("./.github/workflows/deploy-infra.yml", None),
    "build-app-image": ("./.github/workflows/build-app.yml", "deploy-initial-infra"),
    "deploy-infra": ("./.github/workflows/deploy-infra.yml", "build-app-image"),
}
"""The jobs of deploy-app.yml in order: what each calls, and which jobs it needs."""


RUNNER = {"GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STEP_SUMMARY", "RUNNER_TEMP", "SECONDS"}
"""Variables that every step has, or that bash sets."""


TOKEN = "TF_TOKEN_app_terraform_io"
"""The variable with Terraform's token for Terraform Cloud."""

_PINNED = re.compile(r"^\s*(?:- )?uses: ([\w-]+/[\w./-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)$", re.MULTILINE)


def deployment(tree: Tree) -> Iterator[str]:
    jobs = tree.workflows()["deploy-app.yml"]["jobs"]
    found = {name: (job.get("uses"), job.get("needs")) for name, job in jobs.items()}
    if list(found.items()) != list(DEPLOYMENT.items()):
        yield f"deploy-app.yml runs {found}"
    if jobs.get("deploy-infra", {}).get("with", {}).get("only"):
        yield "deploy-app.yml: deploy-infra is to apply everything"


def calls(tree: Tree) -> Iterator[str]:
    """Yield errors in calls between workflows: inputs, secrets and permissions."""
    workflows = tree.workflows()
    for place, job in jobs_of(workflows):
        if not str(job.get("uses", "")).startswith("./"):
            continue
        callee = workflows.get(Path(job["uses"]).name)
        if callee is None or not called_by(callee):
            yield f"{place} calls {job['uses']}, which cannot be called"
            continue
        for kind, given in (("inputs", job.get("with", {})), ("secrets", job.get("secrets", {}))):
            yield from _given(f"{place}: {kind}", given, called_by(callee).get(kind, {}))
        asked = set(chain.from_iterable(each.get("permissions", {}).items() for each in callee["jobs"].values()))
        if not asked <= set(job.get("permissions", {}).items()):
            yield f"{place} grants {job.get('permissions')}, but {sorted(asked)} are asked for"


def _given(place: str, given: Document, wanted: Document) -> Iterator[str]:
    if not isinstance(given, dict):
        yield f"{place} are not named: {given}"
        return
    if unknown := given.keys() - wanted.keys():
        yield f"{place}: no step takes {sorted(unknown)}"
    if missing := {name for name, each in wanted.items() if each.get("required")} - given.keys():
        yield f"{place}: {sorted(missing)} are missing"


def declarations(tree: Tree) -> Iterator[str]:
    """Yield inputs and secrets of re-usable workflows that are used but not declared, or the other way round."""
    for name, document in tree.workflows().items():
        if not (call := called_by(document)):
            continue
        text = tree.text(f".github/workflows/{name}")
        for kind in ("inputs", "secrets"):
            used = set(re.findall(rf"\b{kind}\.([\w-]+)", text))
            if used != set(call.get(kind, {})):
                yield f"{name}: {kind} {sorted(used ^ set(call.get(kind, {})))} are declared or used, not both"
        for label, given in call.get("inputs", {}).items():
            if given.get("type") not in ("string", "boolean", "number") or not given.get("description"):
                yield f"{name}: the input {label} has no type or no description"


def pins(tree: Tree) -> Iterator[str]:
    versions: dict[str, set[tuple[str, str]]] = {}
    for name, document in tree.workflows().items():
        pinned = _PINNED.findall(tree.text(f".github/workflows/{name}"))
        for action, commit, version in pinned:
            versions.setdefault(action, set()).add((commit, version))
        used = [step["uses"] for _, job in jobs_of({name: document}) for step in job.get("steps", ()) if "uses" in step]
        if len(used) != len(pinned):
            yield f"{name}: not every action is pinned by its commit, with its version beside it: {used}"
    yield from (f"{action} has several pins: {pins}" for action, pins in versions.items() if len(pins) > 1)


def caution(tree: Tree) -> Iterator[str]:
    """Yield what permits too much: a cancelled apply, a token with all permissions, secrets for forks."""
    workflows = tree.workflows()
    concurrency = workflows["deploy-app.yml"].get("concurrency", {})
    if not concurrency.get("group") or concurrency.get("cancel-in-progress") is not False:
        yield "deploy-app.yml may cancel a running deployment"
    if "${{" in str(concurrency.get("group")):
        yield "deploy-app.yml: deployments in different groups run at the same time"
    for name, document in workflows.items():
        if document.get("permissions") != {}:
            yield f"{name}: jobs get permissions that they do not ask for"
        if "pull_request_target" in document["on"]:
            yield f"{name} runs strangers' code with our secrets"


def patience(tree: Tree) -> Iterator[str]:
    """Yield jobs without a time limit."""
    for place, job in jobs_of(tree.workflows()):
        if "steps" in job and "timeout-minutes" not in job:
            yield f"{place} has no time limit"


def approval(tree: Tree) -> Iterator[str]:
    """Yield jobs that AWS would refuse: with an environment, GitHub's token names it in place of the branch."""
    with_one = {place: job["environment"] for place, job in jobs_of(tree.workflows()) if "environment" in job}
    if with_one != {"deploy-infra.yml: apply": "${{ inputs.environment }}"}:
        yield f"environments are {with_one}: the role trusts the one of the applying job"
    deployment = tree.workflows()["deploy-app.yml"]["jobs"]
    given = {
        name: job["with"]["environment"] for name, job in deployment.items() if "environment" in job.get("with", {})
    }
    if given != {"deploy-infra": "${{ vars.DEPLOY_ENVIRONMENT }}"}:
        yield f"deploy-app.yml asks for approval in {given}: once for everything, and only where it is set up"
    jobs = tree.workflows()["deploy-infra.yml"]["jobs"]
    if jobs["apply"].get("needs") != "plan" or "needs.plan.outputs.changes" not in str(jobs["apply"]["steps"]):
        yield "deploy-infra.yml applies without regard to what was approved"


def scripts(tree: Tree) -> Iterator[str]:
    text = tree.together(".github/workflows", "*.yml")
    named = set(re.findall(r"\.github/scripts/([\w.-]+)", text))
    there = set(tree.scripts())
    by_others = set(re.findall(r'"\$\(dirname "\$0"\)/([\w-]+\.sh)"', "".join(tree.scripts().values())))
    named |= by_others
    yield from (f"something runs {name}, which is not there" for name in sorted(named - there))
    yield from (f"nothing runs {name}" for name in sorted(there - named))
    for name, script in tree.scripts().items():
        if not script.startswith("#!/usr/bin/env bash\n") or "\nset -euo pipefail\n" not in script:
            yield f"{name} goes on after a fault"
        if not os.access(ROOT / SCRIPTS / name, os.X_OK):
            yield f"{name} is not executable"


def environment(tree: Tree) -> Iterator[str]:
    """Yield variables that a script needs and its step lacks, and those of a job that no step uses."""
    scripts = tree.scripts()
    for place, job in jobs_of(tree.workflows()):
        wanted_by_any: set[str] = set()
        for step in job.get("steps", ()):
            given = {**job.get("env", {}), **step.get("env", {})}
            for name in re.findall(r"\.github/scripts/([\w.-]+)", step.get("run", "")):
                needed, used = _wanted(scripts.get(name, ""))
                wanted_by_any |= used
                if missing := needed - given.keys() - RUNNER - _from_credentials(job):
                    yield f"{place}: {name} wants {sorted(missing)}"
        if unused := job.get("env", {}).keys() - wanted_by_any:
            yield f"{place}: no script reads {sorted(unused)}"


def _wanted(script: str) -> tuple[set[str], set[str]]:
    """Return the variables that a script requires, and all that it reads."""
    code = "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("#"))
    used = set(re.findall(r"\$\{?#?([A-Z]\w+)", code))
    optional = set(re.findall(r"\$\{([A-Z]\w+):-", code))
    return used - optional, used


def _from_credentials(job: Document) -> set[str]:
    """Return the variables that the steps set which fetch AWS credentials."""
    fetched = any("configure-aws-credentials" in step.get("uses", "") for step in job.get("steps", ()))
    return {"AWS_REGION"} if fetched else set()


def _with_called(name: str, scripts: Mapping[str, str]) -> str:
    """Return a script and those that it runs."""
    script = scripts.get(name, "")
    return "\n".join([script, *(scripts.get(called, "") for called in re.findall(r'"\$scripts/([\w.-]+)"', script))])


def token(tree: Tree) -> Iterator[str]:
    """Yield steps that run Terraform without its token, and those with the token that do not run it."""
    scripts = tree.scripts()
    for place, job in jobs_of(tree.workflows()):
        for step in job.get("steps", ()):
            named = re.findall(r"\.github/scripts/([\w.-]+)", step.get("run", ""))
            wants = any("terraform -chdir" in _with_called(name, scripts) for name in named)
            given = {**job.get("env", {}), **step.get("env", {})}.get(TOKEN)
            if given != ("${{ secrets.TERRAFORM_CLOUD_TOKEN }}" if wants else None):
                yield f"{place}: {named} gets {given} for {TOKEN}"
