"""The scripts that build images: what they call, and that each error stops them."""

import json
from collections.abc import Mapping
from itertools import pairwise

import pytest

from tests.workflows.stubs import FAILS, Answer, Answers, Done, Machine

DIGEST = f"sha256:{'0f' * 32}"
REGISTRY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
WHICH = {"IMAGE": "app", "ARCHITECTURE": "arm64"}
WHERE = {"REGISTRY": REGISTRY, "REPOSITORY": "dev-chalice-app"}
NOT_THERE = "ImageNotFoundException"


def refused(name: str) -> Answer:
    return Answer(status=254, stderr=f"\nAn error occurred ({name}) when calling the operation: no\n")


def built(machine: Machine, *digests: str) -> None:
    """Write the files that build-image.sh writes."""
    folder = machine.folder / "image"
    folder.mkdir(exist_ok=True)
    manifests = [{"digest": digest} for digest in digests or (DIGEST,)]
    (folder / "index.json").write_text(json.dumps({"manifests": manifests}), encoding="utf-8")


# find-image.sh


def find(machine: Machine, answer: str | Answer, tagged_by: str = "commit") -> Done:
    machine.stub({"aws ecr describe-images": answer})
    environ = {"REPOSITORY": "dev-chalice-app", "IMAGE_TAG": "c0ffee", "CONTEXT": "prometheus"}
    return machine.run("find-image.sh", **environ, TAGGED_BY=tagged_by)


@pytest.mark.parametrize(("answer", "found"), [("sha256:1\n", "true"), (refused(NOT_THERE), "false")])
def test_an_image_is_looked_for_by_its_tag(answer: str | Answer, found: str, machine: Machine) -> None:
    assert find(machine, answer).status == 0
    assert machine.text("output") == f"tag=c0ffee\nfound={found}\n"
    call = machine.call("aws ecr describe-images")
    assert (call.option("--repository-name"), call.option("--image-ids")) == ("dev-chalice-app", "imageTag=c0ffee")


def test_an_image_that_is_tagged_by_its_folder_is_looked_for_by_that(machine: Machine) -> None:
    assert find(machine, "sha256:1\n", "folder").status == 0
    tag = machine.run("folder-tag.sh", "prometheus").output.strip()
    assert machine.text("output") == f"tag={tag}\nfound=true\n"
    assert machine.call("aws ecr describe-images").option("--image-ids") == f"imageTag={tag}"


@pytest.mark.parametrize("fault", ["RepositoryNotFoundException", "AccessDeniedException"])
def test_another_fault_is_not_taken_for_a_missing_image(fault: str, machine: Machine) -> None:
    done = find(machine, refused(fault))
    assert (done.status, machine.text("output")) == (1, "")
    assert fault in done.error


def test_a_tag_is_made_from_nothing_else(machine: Machine) -> None:
    assert find(machine, "sha256:1\n", "day").status == 1
    assert not machine.calls


# build-image.sh

MANIFEST = json.dumps({"mediaType": "application/vnd.oci.image.index.v1+json", "digest": DIGEST})
BUILDS: Answers = {
    "docker buildx imagetools inspect": MANIFEST,
    "docker buildx create": "brave_builder\n",
    "docker buildx build": "",
    "docker buildx rm": "",
}


DOCKERFILE = "ARG BASE=python:3.13-slim\nFROM ${BASE} AS packages\nFROM ${BASE}\nARG BASE\n"


def build(machine: Machine, answers: Answers = BUILDS, dockerfile: str = DOCKERFILE) -> Done:
    (machine.folder / "Dockerfile").write_text(dockerfile, encoding="utf-8")
    machine.stub({**BUILDS, **answers})
    environ = {"DOCKERFILE": "Dockerfile", "CONTEXT": ".", "ARCHITECTURE": "arm64", "REVISION": "c0ffee"}
    return machine.run("build-image.sh", **environ)


def test_an_image_is_built_for_its_processor_and_labelled_with_its_commit(machine: Machine) -> None:
    done = build(machine)
    assert done.status == 0, done.output
    call = machine.call("docker buildx build")
    assert call.words[-1] == "."
    assert call.option("--file") == "Dockerfile"
    assert call.option("--platform") == "linux/arm64"
    assert call.option("--output") == f"type=oci,tar=false,dest={machine.folder}/image"
    assert "REVISION=c0ffee" in call.words


def test_its_sbom_and_its_provenance_go_with_it(machine: Machine) -> None:
    build(machine)
    words = machine.call("docker buildx build").words
    attached = [following for word, following in pairwise(words) if word == "--attest"]
    assert [each.partition(",")[0] for each in attached] == ["type=provenance", "type=sbom"]


def test_the_builder_and_the_package_lister_are_pinned_by_digest(machine: Machine) -> None:
    build(machine)
    builder = machine.call("docker buildx create").option("--driver-opt")
    (generator,) = (word for word in machine.call("docker buildx build").words if "generator=" in word)
    assert "@sha256:" in builder
    assert "@sha256:" in generator


@pytest.mark.parametrize("answers", [{}, {"docker buildx build": FAILS}])
def test_its_builder_is_removed(answers: Answers, machine: Machine) -> None:
    build(machine, answers)
    assert machine.call("docker buildx build").option("--builder") == "brave_builder"
    assert machine.calls[-1].line == "docker buildx rm brave_builder"


def test_every_base_is_pinned_to_the_current_digest_of_its_tag(machine: Machine) -> None:
    build(machine, dockerfile=f"ARG PROMETHEUS=prom/prometheus:v3\n{DOCKERFILE}FROM ${{PROMETHEUS}} AS prometheus\n")
    asked = [call.words[-1] for call in machine.called("docker buildx imagetools inspect")]
    assert asked == ["python:3.13-slim", "prom/prometheus:v3"]
    given = {f"BASE=python:3.13-slim@{DIGEST}", f"PROMETHEUS=prom/prometheus:v3@{DIGEST}"}
    assert given <= set(machine.call("docker buildx build").words)


@pytest.mark.parametrize(
    "fault",
    [
        {"docker buildx imagetools inspect": FAILS},
        {"docker buildx imagetools inspect": "{}"},
        {"docker buildx create": FAILS},
    ],
)
def test_nothing_is_built_without_a_digest_or_a_builder(fault: Answers, machine: Machine) -> None:
    assert build(machine, fault).status != 0
    assert not machine.called("docker buildx build")


def test_nothing_is_built_from_a_dockerfile_that_names_no_base(machine: Machine) -> None:
    done = build(machine, dockerfile="FROM python:3.13-slim\n")
    assert done.status != 0
    assert "ARG BASE" in done.error
    assert not machine.calls


def test_a_build_that_fails_is_a_failure(machine: Machine) -> None:
    assert build(machine, {"docker buildx build": FAILS}).status != 0


# try-image.sh

TRIES = {"skopeo copy": "", "docker run": ""}


def test_the_image_is_tried_on_the_processor_that_it_is_for(machine: Machine) -> None:
    machine.stub(TRIES)
    done = machine.run("try-image.sh", TRY="python -c 'import app'")
    assert done.status == 0, done.output
    copied, run = machine.calls
    assert copied.words == ["copy", f"oci:{machine.folder}/image", "docker-daemon:image:to-try"]
    assert run.words[-3:] == ["image:to-try", "-c", "python -c 'import app'"]
    assert (run.option("--network"), run.option("--entrypoint")) == ("none", "sh")


@pytest.mark.parametrize("fault", TRIES)
def test_an_image_that_does_not_run_there_is_a_failure(fault: str, machine: Machine) -> None:
    machine.stub({**TRIES, fault: FAILS})
    assert machine.run("try-image.sh", TRY="true").status != 0


# install-scanner.sh

INSTALLS: Answers = {"curl --fail": Answer(body="an archive"), "sha256sum --check": "", "tar --extract": ""}


def test_the_scanner_is_one_archive_and_no_other(machine: Machine) -> None:
    machine.stub(INSTALLS)
    done = machine.run("install-scanner.sh")
    assert done.status == 0, done.output
    assert machine.call("curl").words[-1].startswith("https://github.com/anchore/grype/releases/download/v")
    assert machine.call("sha256sum").stdin.endswith(f"  {machine.call('curl').option('--output')}\n")
    assert machine.text("path") == f"{machine.folder}/grype\n"


def test_an_archive_with_another_checksum_is_not_unpacked(machine: Machine) -> None:
    machine.stub(INSTALLS)
    (machine.folder / "bin" / "sha256sum").unlink()
    done = machine.run("install-scanner.sh")
    assert done.status == 1
    assert "checksum" in done.error
    assert not machine.called("tar")
    assert machine.text("path") == ""


@pytest.mark.parametrize("fault", INSTALLS)
def test_a_missing_scanner_is_a_failure(fault: str, machine: Machine) -> None:
    machine.stub({**INSTALLS, fault: FAILS})
    assert machine.run("install-scanner.sh").status != 0


# log-in.sh

LOGS_IN: Answers = {
    "aws sts get-caller-identity": "123456789012\n",
    "aws ecr get-login-password": "p4ss\n",
    "docker login": "",
}


def test_the_registry_is_that_of_the_account(machine: Machine) -> None:
    machine.stub(LOGS_IN)
    done = machine.run("log-in.sh", AWS_REGION="eu-west-1")
    assert done.status == 0, done.output
    assert machine.call("docker login").words[-1] == REGISTRY
    assert machine.text("output") == f"registry={REGISTRY}\n"


def test_the_registrys_password_is_on_no_command_line(machine: Machine) -> None:
    machine.stub(LOGS_IN)
    done = machine.run("log-in.sh", AWS_REGION="eu-west-1")
    assert machine.call("docker login").stdin == "p4ss\n"
    assert not any("p4ss" in call.line for call in machine.calls)
    assert "p4ss" not in done.output


@pytest.mark.parametrize("fault", LOGS_IN)
def test_a_failed_login_fails_and_outputs_nothing(fault: str, machine: Machine) -> None:
    machine.stub({**LOGS_IN, fault: FAILS})
    assert machine.run("log-in.sh", AWS_REGION="eu-west-1").status != 0
    assert machine.text("output") == ""


# push-image.sh


def test_the_very_image_that_was_scanned_is_pushed_and_gets_no_tag(machine: Machine) -> None:
    built(machine)
    machine.stub({"skopeo copy": ""})
    done = machine.run("push-image.sh", **WHICH, **WHERE)
    assert done.status == 0, done.output
    (call,) = machine.calls
    assert call.words[-2:] == [f"oci:{machine.folder}/image", f"docker://{REGISTRY}/dev-chalice-app@{DIGEST}"]
    assert {"--all", "--preserve-digests"} <= set(call.words)
    assert machine.text("output") == f"app-arm64={DIGEST}\n"


def test_a_push_that_fails_says_no_digest(machine: Machine) -> None:
    built(machine)
    machine.stub({"skopeo copy": FAILS})
    assert machine.run("push-image.sh", **WHICH, **WHERE).status != 0
    assert machine.text("output") == ""


def test_of_several_images_none_is_pushed(machine: Machine) -> None:
    built(machine, DIGEST, DIGEST)
    assert machine.run("push-image.sh", **WHICH, **WHERE).status == 1
    assert not machine.calls


# join-images.sh


def index(**platforms: str) -> str:
    """Return an index of images with their attestations."""
    attached = {"digest": "sha256:9", "platform": {"os": "unknown", "architecture": "unknown"}}
    images = [
        {"digest": digest, "platform": {"os": "linux", "architecture": name}} for name, digest in platforms.items()
    ]
    return json.dumps({"manifests": [*images, attached, attached]})


CREATE = f"docker buildx imagetools create --tag {REGISTRY}/dev-chalice-app:c0ffee"
BOTH = {"AMD64": "sha256:a", "ARM64": "sha256:b"}
SOURCES = f"{REGISTRY}/dev-chalice-app@sha256:a {REGISTRY}/dev-chalice-app@sha256:b"
DRY_RUN = f"{CREATE} {SOURCES} --dry-run"


def join(machine: Machine, would_be: str | Answer, digests: Mapping[str, str] = BOTH) -> Done:
    machine.stub({CREATE: "", DRY_RUN: would_be})
    return machine.run("join-images.sh", **WHERE, IMAGE_TAG="c0ffee", **digests)


def test_both_images_get_one_tag(machine: Machine) -> None:
    done = join(machine, index(arm64="sha256:2", amd64="sha256:1"))
    assert done.status == 0, done.output
    assert [call.line for call in machine.calls] == [DRY_RUN, f"{CREATE} {SOURCES}"]
    assert machine.text("output") == "amd64=sha256:1\narm64=sha256:2\n"


@pytest.mark.parametrize(
    "would_be",
    [
        index(amd64="sha256:1"),
        index(arm64="sha256:2"),
        index(amd64="sha256:1", arm64="sha256:2", s390x="sha256:3"),
        index(),
        FAILS,
    ],
)
def test_nothing_is_tagged_that_one_of_the_processors_could_not_run(would_be: str | Answer, machine: Machine) -> None:
    assert join(machine, would_be).status != 0
    assert len(machine.calls) == 1


@pytest.mark.parametrize("missing", BOTH)
def test_an_image_that_was_not_pushed_is_named(missing: str, machine: Machine) -> None:
    done = join(machine, index(), {**BOTH, missing: ""})
    assert done.status == 1
    assert f"{missing.lower()}: ''" in done.error
    assert not machine.calls


def test_a_tag_that_is_refused_is_a_failure(machine: Machine) -> None:
    machine.stub({CREATE: FAILS, DRY_RUN: index(amd64="sha256:1", arm64="sha256:2")})
    assert machine.run("join-images.sh", **WHERE, IMAGE_TAG="c0ffee", **BOTH).status != 0


# report-ecr-scan.sh

FINDINGS = "aws ecr describe-image-scan-findings"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("COMPLETE\tNone\t3\n", "0 critical, 3 high"),
        ("ACTIVE\t1\tNone\n", "1 critical, 0 high"),
        ("UNSUPPORTED_IMAGE\tNone\tNone\n", "ECR's scanner does not support this image"),
        ("FAILED\tNone\tNone\n", "the scan is FAILED"),
        ("IN_PROGRESS\tNone\tNone\n", "the scan is IN_PROGRESS"),
        (refused("ScanNotFoundException"), "not scanned yet"),
        (refused("AccessDeniedException"), "AccessDeniedException"),
        ("", "the scan is"),
    ],
)
def test_the_result_of_ecrs_own_scan_is_only_reported(answer: str | Answer, said: str, machine: Machine) -> None:
    machine.stub({FINDINGS: answer})
    done = machine.run("report-ecr-scan.sh", IMAGE="app", REPOSITORY="dev-chalice-app", **BOTH)
    assert (done.status, done.error) == (0, "")
    assert [call.option("--image-id") for call in machine.calls] == ["imageDigest=sha256:a", "imageDigest=sha256:b"]
    for architecture in ("amd64", "arm64"):
        assert f"ECR's own scan of app ({architecture}): " in machine.text("summary")
    assert said in machine.text("summary")
