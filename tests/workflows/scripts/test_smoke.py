"""The smoke test passes against the real server, with the real curl."""

from tests.fixtures.servers import serving
from tests.fixtures.tools import program
from tests.workflows.scripts.test_deployment_scripts import OUTPUTS, TF
from tests.workflows.stubs import Machine


def test_the_real_application_passes_except_for_paths_that_the_load_balancer_hides(
    database_url: str, redis_url: str, machine: Machine
) -> None:
    program("curl", "the smoke test is made of it")
    (machine.folder / "bin" / "curl").unlink()
    with serving({"DATABASE_URL": database_url, "REDIS_URL": redis_url}) as server:
        machine.stub({**OUTPUTS, f"{TF} output -raw url": server.url})
        done = machine.run("smoke-test.sh", TRIES="1")
    passed = [f"{server.url}/status: 200", f"{server.url}/products?limit=1: 200", f"{server.url}/data: 403"]
    assert done.output.splitlines()[:3] == passed
    assert f"{server.url}/metrics returned 200, not 404" in done.error
