"""Emulates GitHub: runs a workflow's jobs and steps in order, with the real scripts over stubs.

A step gets the variables that the workflow gives it, and no others; after one that fails, only those run that ask for
failures. Actions do nothing, but for the one that fetches AWS credentials: after it, and not before, they are in the
environment.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from tests.workflows.stubs import Done, Machine
from tests.workflows.tree import ROOT, Document, Tree

Values = dict[str, str]

_STATUS = re.compile(r"\b(?:failure|cancelled)\(\)")
_TERM = re.compile(r"'(?P<text>[^']*)'|(?P<not>!?)(?P<name>[\w.-]+(?:\(\))?)")
_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


class UnknownExpressionError(AssertionError):
    """A workflow has an expression that this runner does not know, or names something that does not exist."""


@dataclass(frozen=True, slots=True)
class Context:
    """The values of expressions, such as `github.sha` and `inputs.env`, by full name."""

    values: Mapping[str, str]

    def filled(self, text: object) -> str:
        """Return a text with its expressions evaluated."""
        return _EXPRESSION.sub(lambda found: self.value(found[1]), str(text))

    def agrees(self, part: Document, failed: bool) -> bool:
        """Return whether a job or a step runs; `failed`: an earlier one failed."""
        condition = str(part.get("if", "!cancelled()")).removeprefix("${{").removesuffix("}}").strip()
        if failed and not _STATUS.search(str(part.get("if", ""))):
            return False
        states = {"failure()": "true" if failed else "", "cancelled()": ""}
        return bool(Context({**self.values, **states}).value(condition))

    def value(self, expression: str) -> str:
        """Evaluate an expression; `||` and `&&` bind as in GitHub's language, an empty text is false."""
        if "||" in expression:
            left, _, right = expression.partition("||")
            return self.value(left) or self.value(right)
        if "&&" in expression:
            left, _, right = expression.partition("&&")
            return self.value(left) and self.value(right)
        for operator in ("==", "!="):
            if operator in expression:
                left, _, right = (part.strip() for part in expression.partition(operator))
                return "true" if (self.value(left) == self.value(right)) is (operator == "==") else ""
        return self._term(expression.strip())

    def _term(self, term: str) -> str:
        found = _TERM.fullmatch(term)
        if found is None:
            raise UnknownExpressionError(term)
        if found["text"] is not None:
            return found["text"]
        name = found["name"]
        if name not in self.values and not name.startswith(("vars.", "secrets.", "steps.", "needs.")):
            raise UnknownExpressionError(f"{name} is not there")
        value = self.values.get(name, "")
        return value if not found["not"] else "" if value else "true"


@dataclass(slots=True)
class Run:
    """One run of a workflow: `at` are the steps it reached, `ended` their outcomes, `failed` the first failure."""

    tree: Tree
    machine: Machine
    at: list[str] = field(default_factory=list)
    ended: list[Done] = field(default_factory=list)
    failed: Done | None = None

    def workflow(self, name: str, values: Values) -> "Run":
        """Run a workflow's jobs, each after those it needs."""
        document = self.tree.workflows()[name]
        done: set[str] = set()
        for label, job in document["jobs"].items():
            needs = job.get("needs") or []
            assert {needs} <= done if isinstance(needs, str) else set(needs) <= done, f"{label} waits for a later job"
            values = {**values, **self._job(label, job, values)}
            if self.failed:
                break
            done.add(label)
        return self

    def job(self, workflow: str, label: str, values: Values) -> "Run":
        """Run one job of a workflow."""
        self._job(label, self.tree.workflows()[workflow]["jobs"][label], values)
        return self

    def _job(self, label: str, job: Document, values: Values) -> Values:
        """Run a job; return its outputs."""
        context = Context(values)
        if not context.agrees(job, failed=False):
            return {}
        if "uses" in job:
            inner = {name: value for name, value in values.items() if name.startswith("github.")}
            inner |= self._defaults(job["uses"])
            inner |= {f"inputs.{name}": context.filled(value) for name, value in job.get("with", {}).items()}
            inner |= {f"secrets.{name}": context.filled(value) for name, value in job.get("secrets", {}).items()}
            self.at.append(label)
            self.workflow(Path(job["uses"]).name, inner)
            return {}
        outputs = dict.fromkeys(job.get("outputs", {}), "")
        for each in _matrix(job, context):
            after = Context(self._steps(job, {**values, **each}))
            said = {name: after.filled(value) for name, value in job.get("outputs", {}).items()}
            outputs |= {name: value for name, value in said.items() if value}
        return {f"needs.{label}.outputs.{name}": value for name, value in outputs.items()}

    def _defaults(self, uses: str) -> Values:
        inputs = self.tree.workflows()[Path(uses).name]["on"]["workflow_call"]["inputs"]
        return {f"inputs.{name}": str(each["default"]) for name, each in inputs.items() if "default" in each}

    def _steps(self, job: Document, values: Values) -> Values:
        """Run a job's steps; return the values that they set."""
        credentials: Values = {}
        for step in job["steps"]:
            context = Context(values)
            if not context.agrees(step, failed=self.failed is not None):
                continue
            if "uses" in step:
                credentials |= _credentials(step, context)
                continue
            given = {name: context.filled(value) for name, value in {**job["env"], **step.get("env", {})}.items()}
            self.at.append(step["name"])
            (self.machine.folder / "output").unlink(missing_ok=True)
            done = self._shell(step["run"], {**given, **credentials})
            self.ended.append(done)
            if "id" in step:
                conclusion = {f"steps.{step['id']}.conclusion": "failure" if done.status else "success"}
                values = {**values, **self._outputs(step["id"]), **conclusion}
            if done.status:
                self.failed = self.failed or done
        return values

    def _shell(self, command: str, environ: Values) -> Done:
        return self.machine.shell(["bash", "-e", "-c", f'cd "{ROOT}" && {command}'], {"PAUSE": "0", **environ})

    def _outputs(self, step: str) -> Values:
        lines = (line.partition("=") for line in self.machine.text("output").splitlines())
        return {f"steps.{step}.outputs.{name}": value for name, _, value in lines}


def _matrix(job: Document, context: Context) -> Iterator[Values]:
    for each in combinations(job):
        yield {f"matrix.{name}": context.filled(value) for name, value in each.items()}


def combinations(job: Document) -> list[Document]:
    """Return each combination of a job's matrix, with what `include` adds."""
    matrix = dict(job.get("strategy", {}).get("matrix", {}))
    included = matrix.pop("include", [])
    if not matrix:
        return included or [{}]
    crossed: list[Document] = [dict(zip(matrix, values, strict=True)) for values in product(*matrix.values())]
    more: list[Document] = []
    for each in included:
        fitting = [one for one in crossed if all(one[name] == each[name] for name in matrix.keys() & each.keys())]
        for one in fitting:
            one |= each
        more += [] if fitting else [dict(each)]
    return crossed + more


def _credentials(step: Document, context: Context) -> Values:
    if "configure-aws-credentials" not in step["uses"]:
        return {}
    given = {name: context.filled(value) for name, value in step["with"].items()}
    who = given.get("role-to-assume") or given.get("aws-access-key-id")
    assert who, "neither a role nor a key"
    return {"AWS_ACCESS_KEY_ID": who, "AWS_REGION": given["aws-region"]}
