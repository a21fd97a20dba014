"""docs/deploying.md names only what exists, and everything that must be set."""

import re
from pathlib import Path

import pytest

from tests.workflows.tree import ROOT, SCRIPTS, Tree, block, declared

TREE = Tree()
GUIDE = TREE.text("docs/deploying.md")
WORKFLOWS = TREE.together(".github/workflows", "*.yml")
VARIABLES = TREE.together("terraform", "variables*.tf")
OUTPUTS = declared("output", TREE.text("terraform/outputs.tf"))

SET_IN_GITHUB = set(re.findall(r"(?:secrets|vars)\.([A-Z_]+)", WORKFLOWS))
CLOUDS_OWN = {"TFC_AWS_PROVIDER_AUTH", "TFC_AWS_RUN_ROLE_ARN"}
SAID_BY_PROGRAMS = {"ISSUED", "SUCCESS", "HIGH"}

# In backticks, outside of blocks.
CODE = set(re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", GUIDE, flags=re.MULTILINE | re.DOTALL)))


def test_sections_are_in_the_order_of_the_steps() -> None:
    headings = re.findall(r"^## \d\. (.*)$", GUIDE, re.MULTILINE)
    assert headings[1:6] == ["GitHub", "Terraform Cloud", "Variables", "The pipeline", "Prometheus"]
    assert GUIDE.count("**Test it:**") == 6


def test_every_secret_and_variable_of_the_workflows_is_named_and_no_other() -> None:
    named = {name for name in CODE if re.fullmatch(r"[A-Z][A-Z_]+", name)}
    assert named - CLOUDS_OWN - SAID_BY_PROGRAMS == SET_IN_GITHUB


def test_every_variable_without_a_default_is_documented() -> None:
    needed = {name for name in declared("variable", VARIABLES) if " default " not in block("variable", name, VARIABLES)}
    assert len(needed) > 5
    assert needed <= CODE


def test_every_name_in_terraforms_manner_is_terraforms() -> None:
    named = {name for name in CODE if re.fullmatch(r"[a-z]+(_[a-z]+)+", name)}
    read = set(re.findall(r"-chdir=terraform output (?:-raw )?(\w+)", GUIDE))
    given = set(re.findall(r"-var (\w+)=", GUIDE))
    assert named
    assert named | given <= declared("variable", VARIABLES)
    assert read
    assert read <= OUTPUTS


PATHS = {name for name in CODE if re.fullmatch(r"[.\w-]+/[\w./-]*", name)} - {"owner/name"}


@pytest.mark.parametrize("path", sorted(PATHS))
def test_every_path_leads_somewhere(path: str) -> None:
    assert (ROOT / path).exists()


def test_workflows_jobs_and_steps_are_called_by_their_names() -> None:
    jobs = set(TREE.workflows()["deploy-app.yml"]["jobs"])
    assert jobs <= CODE
    assert {name for name in CODE if re.fullmatch(r"[\w-]+\.yml", name)} - {"web.yml"} == set(TREE.workflows())
    table = GUIDE.partition("| where it stops")[2].partition("\n\n")[0]
    steps = re.findall(r"^\| ([A-Z][^|]*?) +\|", table, re.MULTILINE)
    assert len(steps) >= 5
    assert [step for step in steps if f"- name: {step}" not in WORKFLOWS] == []


def test_the_input_that_it_names_is_there() -> None:
    assert "blocking-severity" in CODE
    assert "blocking-severity" in TREE.workflows()["build-app.yml"]["on"]["workflow_call"]["inputs"]
    assert Path(ROOT, SCRIPTS, "before-roll-out.txt").exists()


def test_the_readme_links_each_section_in_order() -> None:
    part = TREE.text("README.md").partition("## Deploy it")[2].partition("\n## ")[0]
    linked = re.findall(r"\(docs/deploying\.md#([\w-]+)\)", part)
    headings = re.findall(r"^## (.*)$", GUIDE, re.MULTILINE)
    assert linked == [heading.lower().replace(".", "").replace(" ", "-") for heading in headings[:6]]
    assert set(re.findall(r"`([A-Z][A-Z_]+)`", part)) == SET_IN_GITHUB
