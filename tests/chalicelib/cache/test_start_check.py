"""A Redis in cluster mode stops the start with one sentence; a Redis that does not answer does not."""

import contextlib
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from chalicelib.cache import hot_set
from chalicelib.cache.start_check import CHECK_SECONDS, IN_CLUSTER_MODE, prepare_cache
from chalicelib.redis_client.client import CacheTimeouts
from chalicelib.settings import Settings, SettingsError, read_settings
from local.errors import ProgramError
from local.ports import LOOPBACK, free_port
from local.servers.redis import programs_of_wheels
from local.waiting import wait_until
from tests.fixtures.entries import since_member
from tests.fixtures.servers import ROOT, passed_on, serving
from tests.fixtures.stores import OwnRedis, running_redis

DATABASE_URL = "postgresql://user:password@127.0.0.1:1/shop"
TRIES = 5
PATIENT = CacheTimeouts(connect=5.0, answer=5.0)
DEPLOYED_RIGHTS = "~p1:* +@read +@write +@scripting +@connection +time -@dangerous -@admin +info"
"""The rights that terraform/modules/elasticache gives the shop."""


@pytest.fixture(params=programs_of_wheels(), ids=lambda path: Path(path).name)
def clustered(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OwnRedis]:
    """A server in cluster mode, of each installed kind.

    Its second port is the first one plus 10,000, which may be taken: then it is started once more, on another.
    """
    program = tmp_path / "clustered"
    program.write_text(f'#!/bin/sh\nexec "{request.param}" "$@" --cluster-enabled yes\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with contextlib.ExitStack() as stack:
        for tries_left in reversed(range(TRIES)):
            try:
                yield stack.enter_context(running_redis(str(program)))
                return
            except ProgramError:
                if not tries_left:
                    raise


def settings_for(redis_url: str) -> Settings:
    return read_settings({"DATABASE_URL": DATABASE_URL, "REDIS_URL": redis_url})


def test_it_stops_the_start_with_one_sentence(clustered: OwnRedis) -> None:
    environ = passed_on() | {"DATABASE_URL": DATABASE_URL, "REDIS_URL": clustered.url, "PORT": str(free_port())}
    command = [sys.executable, "-m", "fargate", "--host", LOOPBACK]
    ended = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (2, f"Cannot start:\n{IN_CLUSTER_MODE}\n")


def test_the_rights_of_the_deployed_user_are_enough_for_the_check(clustered: OwnRedis) -> None:
    with redis.Redis.from_url(clustered.url) as admin:
        admin.execute_command("ACL", "SETUSER", "shop", "on", ">secret", *DEPLOYED_RIGHTS.split())
    with pytest.raises(SettingsError, match="cluster mode disabled"):
        prepare_cache(settings_for(clustered.url.replace("//", "//shop:secret@")), PATIENT)


@pytest.mark.parametrize("program", programs_of_wheels(), ids=lambda path: Path(path).name)
def test_a_user_that_may_not_run_info_stops_the_start(program: str) -> None:
    with running_redis(program) as server, redis.Redis.from_url(server.url) as admin:
        rights = DEPLOYED_RIGHTS.removesuffix(" +info")
        admin.execute_command("ACL", "SETUSER", "shop", "on", ">secret", *rights.split())
        with pytest.raises(SettingsError, match=r"may not run INFO"):
            prepare_cache(settings_for(server.url.replace("//", "//shop:secret@")), PATIENT)


def test_a_database_that_the_server_does_not_have_stops_the_start(redis_url: str) -> None:
    with pytest.raises(SettingsError, match="REDIS_URL names a database that the server does not have"):
        prepare_cache(settings_for(redis_url.removesuffix("/0") + "/99"), PATIENT)


def test_these_rights_are_the_deployed_ones() -> None:
    user = (ROOT / "terraform" / "modules" / "elasticache" / "user.tf").read_text(encoding="utf-8")
    assert f'"on {DEPLOYED_RIGHTS}"' in user


def test_the_check_creates_the_hot_set(redis_url: str) -> None:
    prepare_cache(settings_for(redis_url), PATIENT)
    with redis.Redis.from_url(redis_url) as client:
        assert client.zrange(hot_set.KEY, 0, -1) == [since_member(client).encode()]


def test_a_redis_that_refuses_the_login_does_not_stop_the_start(redis_url: str) -> None:
    prepare_cache(settings_for(redis_url.replace("//", "//nobody:wrong@")), PATIENT)


def test_a_dead_redis_does_not_stop_the_start() -> None:
    with serving({"DATABASE_URL": DATABASE_URL, "REDIS_URL": f"redis://{LOOPBACK}:{free_port()}/0"}) as server:
        assert "cluster" not in server.output()


def test_a_frozen_redis_does_not_stop_the_start(own_redis: OwnRedis) -> None:
    own_redis.freeze()
    with serving({"DATABASE_URL": DATABASE_URL, "REDIS_URL": own_redis.url}) as server:
        assert "cluster" not in server.output()


def test_a_redis_that_comes_back_empty_has_its_hot_set_before_the_first_write(own_redis: OwnRedis) -> None:
    with serving({"DATABASE_URL": DATABASE_URL, "REDIS_URL": own_redis.url}) as server:
        own_redis.kill()
        for product in range(1, 6):  # enough failures to open the circuit
            assert httpx.get(f"{server.url}/product/{product}").status_code == 503
        own_redis.start()
        with redis.Redis.from_url(own_redis.url) as client:
            assert wait_until(lambda: client.exists(hot_set.KEY), 10)


def test_the_check_ends_in_time(own_redis: OwnRedis) -> None:
    own_redis.freeze()
    began = time.monotonic()
    prepare_cache(settings_for(own_redis.url), CacheTimeouts(connect=60.0, answer=60.0))
    assert time.monotonic() - began < CHECK_SECONDS + 5.0
