"""EFS: removing a file system's policy (aws_efs_file_system_policy)."""

from typing import Any

from moto.efs.responses import EFSResponse as Responses

from tests.infra.emulator.patching import adds


@adds(Responses)
def delete_file_system_policy(self: Any) -> tuple[int, dict[str, str | int], str]:
    self.efs_backend.file_systems_by_id[self._get_param("FileSystemId")].file_system_policy = None
    return 200, {"Content-Type": "application/json"}, "{}"
