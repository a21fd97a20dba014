"""Policies allow what they name and nothing else; unsupported elements deny."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fargate.auth.policy import Verdict, read_policy, wildcard

API = "arn:aws:execute-api:eu-west-1:000000000000:container/api"
HOME = f"{API}/GET/home"

ALLOWED, DENIED, DENIED_EXPLICITLY = Verdict.ALLOWED, Verdict.DENIED, Verdict.DENIED_EXPLICITLY


def statement(effect: str = "Allow", **elements: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "execute-api:Invoke", "Resource": HOME, **elements}


def judge(*statements: dict[str, Any], arn: str = HOME) -> Verdict:
    return read_policy({"Version": "2012-10-17", "Statement": list(statements)}).judge(arn)


@pytest.mark.parametrize(
    ("resource", "path", "verdict"),
    [
        ("GET/home", "GET/home", ALLOWED),
        ("GET/home", "GET/home/", DENIED),
        ("GET/home", "GET/homes", DENIED),
        ("GET/home", "GET/ho", DENIED),
        ("GET/home", "POST/home", DENIED),
        ("GET/home", "GET/Home", DENIED),
        ("*/home", "POST/home", ALLOWED),
        ("*", "POST/any/thing", ALLOWED),
        ("*/*", "GET/", ALLOWED),
        ("GET/", "GET/", ALLOWED),
        ("GET/users/*", "GET/users/1", ALLOWED),
        ("GET/users/*", "GET/users/1/orders", ALLOWED),
        ("GET/users/*", "GET/users", DENIED),
        ("GET/users/?", "GET/users/1", ALLOWED),
        ("GET/users/?", "GET/users/12", DENIED),
        ("GET/users/?", "GET/users/", DENIED),
        ("GET/*/orders", "GET/users/1/orders", ALLOWED),
        ("GET/*/orders", "GET/users/1/orders/2", DENIED),
        ("GET/a.c", "GET/abc", DENIED),
        ("GET/[ab]", "GET/a", DENIED),
        ("GET/(a)", "GET/(a)", ALLOWED),
        ("P*T/home", "PUT/home", ALLOWED),
        ("P*T/home", "PATCH/home", DENIED),
    ],
)
def test_a_resource_matches_exactly_but_for_its_wildcards(resource: str, path: str, verdict: Verdict) -> None:
    assert judge(statement(Resource=f"{API}/{resource}"), arn=f"{API}/{path}") is verdict


@pytest.mark.parametrize(
    ("resource", "verdict"),
    [
        ("*", ALLOWED),
        ("arn:aws:execute-api:*", ALLOWED),
        ("arn:aws:execute-api:eu-west-1:000000000000:container/*", ALLOWED),
        ("arn:aws:execute-api:*:*:*/*/GET/home", ALLOWED),
        ("arn:aws:execute-api:eu-west-1:111111111111:container/*", DENIED),
        ("arn:aws:execute-api:eu-west-1:000000000000:another/*", DENIED),
        ("arn:aws:execute-api:eu-west-1:000000000000:container/prod/*", DENIED),
        ([HOME], ALLOWED),
        (["arn:aws:s3:::bucket", HOME], ALLOWED),
        ([], DENIED),
        ("", DENIED),
    ],
)
def test_a_resource_may_be_text_or_a_list(resource: Any, verdict: Verdict) -> None:
    assert judge(statement(Resource=resource)) is verdict


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        ("execute-api:Invoke", ALLOWED),
        ("execute-api:invoke", ALLOWED),
        ("execute-api:*", ALLOWED),
        ("execute-api:Inv*", ALLOWED),
        ("execute-api:Invok?", ALLOWED),
        ("*", ALLOWED),
        (["s3:GetObject", "execute-api:Invoke"], ALLOWED),
        ("execute-api:ManageConnections", DENIED),
        ("s3:*", DENIED),
        ("execute-api:Invok", DENIED),
        ("execute-api:Invoke2", DENIED),
        ([], DENIED),
    ],
)
def test_an_action_may_be_text_or_a_list_with_wildcards_in_any_case(action: Any, verdict: Verdict) -> None:
    assert judge(statement(Action=action)) is verdict


def test_deny_beats_allow_in_either_order() -> None:
    allow, deny = statement(Resource="*"), statement("Deny")
    assert judge(allow, deny) is DENIED_EXPLICITLY
    assert judge(deny, allow) is DENIED_EXPLICITLY
    assert judge(allow, deny, arn=f"{API}/GET/other") is ALLOWED


def test_a_deny_of_another_action_denies_nothing() -> None:
    assert judge(statement(), statement("Deny", Action="execute-api:ManageConnections")) is ALLOWED


def test_the_default_is_deny() -> None:
    assert judge() is DENIED


def test_a_single_statement_needs_no_list() -> None:
    assert read_policy({"Statement": statement()}).judge(HOME) is ALLOWED


@pytest.mark.parametrize(
    ("denied", "path"),
    [
        ("users/1", "users/%31"),
        ("users/*/admin", "users/1%2Fadmin"),
        ("users/a b", "users/a%20b"),
        ("users/%31", "users/%31"),
        ("users/é", "users/%C3%A9"),
    ],
)
def test_a_deny_matches_the_decoded_path_too(denied: str, path: str) -> None:
    """Otherwise a client could bypass it with `%XX`, if the app decodes its parameters."""
    everything = statement(Resource="*")
    deny = statement("Deny", Resource=f"{API}/GET/{denied}")
    assert judge(everything, deny, arn=f"{API}/GET/{path}") is DENIED_EXPLICITLY


def test_an_allow_matches_only_the_path_as_sent() -> None:
    assert judge(statement(Resource=f"{API}/GET/users/1"), arn=f"{API}/GET/users/%31") is DENIED


UNSUPPORTED = [
    {"Condition": {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}}},
    {"Condition": {}},
    {"NotAction": "s3:*"},
    {"NotResource": f"{API}/GET/secret"},
    {"Principal": "*"},
    {"Surprise": True},
    {"Resource": f"{API}/GET/${{aws:username}}"},
    {"Action": "execute-api:${x}"},
]


@pytest.mark.parametrize("elements", UNSUPPORTED)
def test_an_allow_with_an_unsupported_element_allows_nothing(elements: dict[str, Any]) -> None:
    assert judge(statement(**{"Resource": "*", **elements})) is DENIED
    assert judge(statement(**{"Resource": "*", **elements}), statement()) is ALLOWED


@pytest.mark.parametrize("elements", UNSUPPORTED)
def test_a_deny_with_an_unsupported_element_denies_everything(elements: dict[str, Any]) -> None:
    elsewhere = {"Resource": f"{API}/GET/elsewhere", "Action": "s3:*"}
    assert judge(statement(), statement("Deny", **{**elsewhere, **elements})) is DENIED_EXPLICITLY


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
@pytest.mark.parametrize(
    "elements", [{"NotAction": "s3:*", "Resource": "*"}, {"Action": "*", "NotResource": "x"}, {"NotResource": "x"}]
)
def test_not_action_and_not_resource_deny(effect: str, elements: dict[str, Any]) -> None:
    verdict = judge({"Effect": effect, **elements})
    assert verdict is (DENIED if effect == "Allow" else DENIED_EXPLICITLY)


@pytest.mark.parametrize(
    "document",
    [
        None,
        {},
        [],
        "Allow",
        {"Version": "2012-10-17"},
        {"Statement": None},
        {"Statement": "Allow"},
        {"Statement": ["Allow"]},
        {"Statement": [None]},
        {"Statement": [{}]},
        {"Statement": [statement("allow")]},
        {"Statement": [statement("")]},
        {"Statement": [{"Action": "*", "Resource": "*"}]},
        {"Statement": [{"Effect": "Allow", "Action": "*"}]},
        {"Statement": [{"Effect": "Allow", "Resource": "*"}]},
        {"Statement": [statement(Resource=None)]},
        {"Statement": [statement(Resource=1)]},
        {"Statement": [statement(Resource=[1])]},
        {"Statement": [statement(Resource={"Ref": "x"})]},
        {"Statement": [statement(Action=None)]},
        {"Statement": [statement(Action=[None])]},
        {"Statement": [statement(), {"Effect": "Allow"}]},
    ],
)
def test_an_invalid_policy_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_policy(document)


def fits(pattern: str, text: str) -> bool:
    """Return whether a pattern matches: the definition in its shortest form."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return fits(pattern[1:], text) or (bool(text) and fits(pattern, text[1:]))
    return bool(text) and pattern[0] in ("?", text[0]) and fits(pattern[1:], text[1:])


@given(st.text("ab/.\\*?", max_size=8), st.text("ab/.\\*?\n", max_size=8))
@example("*a*a", "aa")
@example("a*?b*", "aab")
@example("*?*", "")
def test_wildcards_agree_with_their_definition(pattern: str, text: str) -> None:
    assert bool(wildcard(pattern).fullmatch(text)) == fits(pattern, text)


def test_matching_takes_no_exponential_time() -> None:
    """With backtracking it would not end, and the limit on a test's time would stop it."""
    assert not wildcard("*a" * 250 + "*b").fullmatch("a" * 1600)
