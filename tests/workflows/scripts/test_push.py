"""The real skopeo pushes the builder's image byte for byte, with its attestations, and without a tag."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.tools import program
from tests.workflows.scripts.registry import Registry, digest_of, serving_registry
from tests.workflows.stubs import Done, Machine

OCI = "application/vnd.oci.image"
SBOM = b'{"predicateType":"https://spdx.dev/Document"}'


class Layout:
    """An OCI layout as BuildKit writes it: an index that names an index of an image and its attestations."""

    def __init__(self, folder: Path, architecture: str) -> None:
        self._blobs = folder / "blobs" / "sha256"
        self._blobs.mkdir(parents=True)
        image = self._manifest(b"a layer", f"{OCI}.layer.v1.tar", {"os": "linux", "architecture": architecture})
        unknown = {"os": "unknown", "architecture": "unknown"}
        attached = self._manifest(SBOM, "application/vnd.in-toto+json", unknown)
        attached["annotations"] = {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": image["digest"],
        }
        self.manifests = [image["digest"], attached["digest"]]
        both = {"schemaVersion": 2, "mediaType": f"{OCI}.index.v1+json", "manifests": [image, attached]}
        index = self._blob(json.dumps(both).encode(), f"{OCI}.index.v1+json")
        self.digest: str = index["digest"]
        (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [index]}), encoding="utf-8")
        (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")

    def content(self, digest: str) -> bytes:
        return (self._blobs / digest.removeprefix("sha256:")).read_bytes()

    def _blob(self, content: bytes, media_type: str) -> dict[str, Any]:
        digest = digest_of(content)
        (self._blobs / digest.removeprefix("sha256:")).write_bytes(content)
        return {"mediaType": media_type, "digest": digest, "size": len(content)}

    def _manifest(self, layer: bytes, media_type: str, platform: dict[str, str]) -> dict[str, Any]:
        root = {"type": "layers", "diff_ids": [digest_of(layer)]}
        config = self._blob(json.dumps({**platform, "config": {}, "rootfs": root}).encode(), f"{OCI}.config.v1+json")
        layers = [self._blob(layer, media_type)]
        manifest = {"schemaVersion": 2, "mediaType": f"{OCI}.manifest.v1+json", "config": config, "layers": layers}
        return {**self._blob(json.dumps(manifest).encode(), f"{OCI}.manifest.v1+json"), "platform": platform}


@pytest.fixture
def layout(machine: Machine) -> Layout:
    """The files of build-image.sh for an image of another processor than this machine's."""
    return Layout(machine.folder / "image", "s390x")


def push(machine: Machine, registry: Registry) -> Done:
    program("skopeo", "make workflow-tools installs it")
    (machine.folder / "bin" / "skopeo").unlink()
    containers = machine.folder / ".config" / "containers"
    containers.mkdir(parents=True)
    plain = f'[[registry]]\nlocation = "{registry.address}"\ninsecure = true\n'
    (containers / "registries.conf").write_text(plain, encoding="utf-8")
    (containers / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}', encoding="utf-8")
    where = {"REGISTRY": registry.address, "REPOSITORY": "dev-chalice-app", "HOME": str(machine.folder)}
    return machine.run("push-image.sh", IMAGE="app", ARCHITECTURE="s390x", **where)


def test_the_scanned_image_is_pushed_unchanged_and_without_a_tag(machine: Machine, layout: Layout) -> None:
    with serving_registry() as registry:
        done = push(machine, registry)
    assert done.status == 0, done.output
    assert set(registry.manifests) == {layout.digest, *layout.manifests}
    assert all(content == layout.content(digest) for digest, content in registry.manifests.items())
    assert SBOM in registry.blobs.values()
    assert machine.text("output") == f"app-s390x={layout.digest}\n"


def test_a_layout_that_was_changed_after_it_was_built_is_not_pushed(machine: Machine, layout: Layout) -> None:
    blob = machine.folder / "image" / "blobs" / "sha256" / digest_of(b"a layer").removeprefix("sha256:")
    blob.write_bytes(b"another")
    with serving_registry() as registry:
        done = push(machine, registry)
    assert done.status != 0
    assert layout.digest not in registry.manifests
