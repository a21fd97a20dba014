"""The scripts that make images: what they ask docker and aws for, and that each fault stops them."""

import pytest

from tests.workflows.stubs import FAILS, Answer, Answers, Done, Machine

NAMES = {"REPOSITORY": "dev-chalice-app", "IMAGE_TAG": "c0ffee", "CANDIDATE_TAG": "candidate-c0ffee-7-1"}
FINDINGS = "aws ecr describe-image-scan-findings"
NO_SCAN = Answer(status=254, stderr="\nAn error occurred (ScanNotFoundException) when calling the operation\n")


def refused(name: str) -> Answer:
    return Answer(status=254, stderr=f"\nAn error occurred ({name}) when calling the operation: no\n")


def test_an_image_that_is_there_is_found(machine: Machine) -> None:
    machine.told({"aws ecr describe-images": "sha256:1\n"})
    assert machine.run("find-image.sh", **NAMES).status == 0
    assert machine.text("output") == "found=true\n"
    call = machine.call("aws ecr describe-images")
    assert (call.option("--repository-name"), call.option("--image-ids")) == ("dev-chalice-app", "imageTag=c0ffee")


def test_an_image_that_is_not_there_is_to_be_built(machine: Machine) -> None:
    machine.told({"aws ecr describe-images": refused("ImageNotFoundException")})
    assert machine.run("find-image.sh", **NAMES).status == 0
    assert machine.text("output") == "found=false\n"


@pytest.mark.parametrize("fault", ["RepositoryNotFoundException", "AccessDeniedException"])
def test_another_fault_is_not_taken_for_a_missing_image(fault: str, machine: Machine) -> None:
    machine.told({"aws ecr describe-images": refused(fault)})
    done = machine.run("find-image.sh", **NAMES)
    assert (done.status, machine.text("output")) == (1, "")
    assert fault in done.error


DIGEST = f"sha256:{'0f' * 32}"
BUILDS: Answers = {"docker pull": "", "docker image inspect": f"python@{DIGEST}\n", "docker build": ""}


def build(machine: Machine, answers: Answers = BUILDS, dockerfile: str = "ARG BASE=python:3.13-slim\n") -> Done:
    (machine.folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    machine.told({**BUILDS, **answers})
    return machine.run("build-image.sh", **NAMES, DOCKERFILE="Dockerfile", CONTEXT=".")


def test_an_image_is_built_for_fargate_and_tells_its_commit(machine: Machine) -> None:
    done = build(machine)
    assert done.status == 0, done.output
    call = machine.call("docker build")
    assert call.words[-1] == "."
    assert call.option("--file") == "Dockerfile"
    assert "REVISION=c0ffee" in call.words
    assert call.option("--platform") == machine.call("docker pull").option("--platform") == "linux/amd64"
    assert call.option("--tag") == "dev-chalice-app:candidate-c0ffee-7-1"
    assert call.environ == {"DOCKER_BUILDKIT": "1", "BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}


def test_the_base_is_named_by_what_its_tag_stands_for_now(machine: Machine) -> None:
    build(machine)
    assert machine.call("docker pull").words[-1] == "python:3.13-slim"
    assert f"BASE=python:3.13-slim@{DIGEST}" in machine.call("docker build").words


@pytest.mark.parametrize(
    "fault", [{"docker pull": FAILS}, {"docker image inspect": FAILS}, {"docker image inspect": "\n"}]
)
def test_nothing_is_built_on_a_base_without_a_digest(fault: Answers, machine: Machine) -> None:
    assert build(machine, fault).status != 0
    assert not machine.called("docker build")


def test_nothing_is_built_from_a_dockerfile_that_names_no_base(machine: Machine) -> None:
    done = build(machine, dockerfile="FROM python:3.13-slim\n")
    assert done.status != 0
    assert "ARG BASE" in done.error
    assert not machine.calls


def test_a_build_that_fails_is_a_failure(machine: Machine) -> None:
    assert build(machine, {"docker build": FAILS}).status != 0


PUSHES = {
    "aws sts get-caller-identity": "123456789012\n",
    "aws ecr get-login-password": "p4ss\n",
    "docker login": "",
    "docker tag": "",
    "docker push": "",
}


def test_a_candidate_is_pushed_to_the_repository_of_the_account(machine: Machine) -> None:
    machine.told(PUSHES)
    done = machine.run("push-image.sh", **NAMES, AWS_REGION="eu-west-1")
    assert done.status == 0, done.output
    registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    pushed = f"{registry}/dev-chalice-app:candidate-c0ffee-7-1"
    assert machine.call("docker login").words[-1] == registry
    assert machine.call("docker tag").words[1:] == ["dev-chalice-app:candidate-c0ffee-7-1", pushed]
    assert machine.call("docker push").words[1:] == [pushed]


def test_the_registrys_password_is_on_no_command_line(machine: Machine) -> None:
    machine.told(PUSHES)
    done = machine.run("push-image.sh", **NAMES, AWS_REGION="eu-west-1")
    assert machine.call("docker login").stdin == "p4ss\n"
    assert not any("p4ss" in call.line for call in machine.calls)
    assert "p4ss" not in done.output


@pytest.mark.parametrize("fault", [call for call in PUSHES if call != "docker push"])
def test_nothing_is_pushed_after_a_fault(fault: str, machine: Machine) -> None:
    machine.told({**PUSHES, fault: FAILS})
    assert machine.run("push-image.sh", **NAMES, AWS_REGION="eu-west-1").status != 0
    assert not machine.called("docker push")


def test_a_push_that_fails_is_a_failure(machine: Machine) -> None:
    machine.told({**PUSHES, "docker push": FAILS})
    assert machine.run("push-image.sh", **NAMES, AWS_REGION="eu-west-1").status != 0


@pytest.mark.parametrize(
    ("found", "blocking", "passes"),
    [
        ("COMPLETE\tNone\tNone\n", "CRITICAL", True),
        ("ACTIVE\tNone\tNone\n", "CRITICAL", True),  # enhanced scanning's word for the same
        ("COMPLETE\tNone\t3\n", "CRITICAL", True),
        ("COMPLETE\tNone\t3\n", "HIGH", False),
        ("COMPLETE\t1\tNone\n", "CRITICAL", False),
        ("COMPLETE\t1\tNone\n", "HIGH", False),
        ("COMPLETE\t12\t3\n", "CRITICAL", False),
        ("FAILED\tNone\tNone\n", "CRITICAL", False),
        ("UNSUPPORTED_IMAGE\tNone\tNone\n", "CRITICAL", False),
        ("", "CRITICAL", False),
        (refused("AccessDeniedException"), "CRITICAL", False),
    ],
)
def test_what_a_scan_found_decides(found: str | Answer, blocking: str, passes: bool, machine: Machine) -> None:
    machine.told({FINDINGS: found})
    done = machine.run("scan-image.sh", **NAMES, BLOCKING_SEVERITY=blocking, PAUSE="0")
    assert (done.status == 0) is passes, done.output
    assert bool(done.error) is not passes


def test_a_scan_that_takes_its_time_is_waited_for(machine: Machine) -> None:
    machine.told({FINDINGS: [NO_SCAN, NO_SCAN, "IN_PROGRESS\tNone\tNone\n", "COMPLETE\tNone\tNone\n"]})
    done = machine.run("scan-image.sh", **NAMES, BLOCKING_SEVERITY="CRITICAL", PAUSE="0")
    assert done.status == 0, done.output
    assert len(machine.calls) == 4


@pytest.mark.parametrize("never", [NO_SCAN, "IN_PROGRESS\tNone\tNone\n"])
def test_a_scan_that_never_ends_lets_nothing_pass(never: str | Answer, machine: Machine) -> None:
    machine.told({FINDINGS: never})
    done = machine.run("scan-image.sh", **NAMES, BLOCKING_SEVERITY="CRITICAL", PAUSE="0", TRIES="3")
    assert done.status != 0
    assert "has not ended" in done.error
    assert len(machine.calls) == 3


def test_a_severity_nobody_knows_lets_nothing_pass(machine: Machine) -> None:
    done = machine.run("scan-image.sh", **NAMES, BLOCKING_SEVERITY="NONE", PAUSE="0")
    assert done.status != 0
    assert not machine.calls


TAGS = {"aws ecr batch-get-image": '{"schemaVersion": 2}\n', "aws ecr put-image": "c0ffee\tsha256:1\n"}


def test_the_commits_tag_goes_to_the_very_image_that_was_scanned(machine: Machine) -> None:
    machine.told(TAGS)
    done = machine.run("tag-image.sh", **NAMES)
    assert done.status == 0, done.output
    assert machine.call("aws ecr batch-get-image").option("--image-ids") == "imageTag=candidate-c0ffee-7-1"
    put = machine.call("aws ecr put-image")
    assert (put.option("--repository-name"), put.option("--image-tag")) == ("dev-chalice-app", "c0ffee")
    (manifest,) = machine.folder.glob("tmp.*")
    assert put.option("--image-manifest") == f"file://{manifest}"
    assert manifest.read_text() == '{"schemaVersion": 2}\n'


@pytest.mark.parametrize("answer", ["None\n", FAILS])
def test_a_candidate_that_is_not_there_gets_no_tag(answer: str | Answer, machine: Machine) -> None:
    machine.told({**TAGS, "aws ecr batch-get-image": answer})
    assert machine.run("tag-image.sh", **NAMES).status != 0
    assert not machine.called("aws ecr put-image")


def test_a_tag_that_is_refused_is_a_failure(machine: Machine) -> None:
    machine.told({**TAGS, "aws ecr put-image": refused("ImageTagAlreadyExistsException")})
    assert machine.run("tag-image.sh", **NAMES).status != 0
