"""A canary fails when a library changes an undocumented name that this code uses.

`USED` lists them all: the file that uses them, the library's module or class that defines them, and the names. A
function with its parameters in parentheses is called or replaced with exactly these.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import hiredis
import pytest

from tests.fargate.patches.library_source import definitions

ROOT = Path(__file__).resolve().parents[3]

CHALICE = {
    "fargate/patches/isolation.py": {"chalice.app:Chalice": "current_request lambda_context"},
    "fargate/patches/content_types.py": {"chalice.app": "_matches_content_type(content_type,valid_content_types)"},
    "fargate/patches/websocket_client.py": {"chalice.app:WebsocketAPI": "session _client configure(domain_name,stage)"},
    "fargate/gateway/core.py": {
        "chalice.app:Response": "to_dict(binary_types)",
        "chalice.app:RouteEntry": "authorizer cors api_key_required",
    },
    "fargate/auth/authorizers.py": {
        "chalice.app:CognitoUserPoolAuthorizer": "_provider_arns _header",
        "chalice.app": "handler_map",
    },
}
POWERTOOLS = {
    "fargate/patches/powertools_logger.py": {
        "aws_lambda_powertools.logging.formatter:LambdaPowertoolsFormatter": "log_format _get_latest_trace_id()"
    },
    "fargate/patches/powertools_metrics.py": {
        "aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch:AmazonCloudWatchEMFProvider": "metric_set "
        "dimension_set dimension_sets metadata_set"
    },
    "fargate/patches/powertools_batch.py": {
        "aws_lambda_powertools.utilities.batch.base": "BasePartialProcessor",
        "aws_lambda_powertools.utilities.batch.base:BasePartialProcessor": "__call__(records,handler,lambda_context)",
    },
    "fargate/patches/powertools_idempotency.py": {
        "aws_lambda_powertools.utilities.idempotency.persistence.base": "BasePersistenceLayer",
        "aws_lambda_powertools.utilities.idempotency.persistence.base:BasePersistenceLayer": "function_name",
    },
    "fargate/telemetry/log_lines.py": {
        "aws_lambda_powertools.logging.formatter:LambdaPowertoolsFormatter": "thread_safe_get_current_keys()"
    },
    "fargate/telemetry/access_log.py": {
        "aws_lambda_powertools.logging.formatter:LambdaPowertoolsFormatter": "log_format _build_default_keys()"
    },
    "fargate/patches/powertools_tracer.py": {
        "aws_lambda_powertools.tracing.tracer:Tracer": "_config _is_tracer_disabled()"
    },
}
XRAY_SDK = {
    "fargate/patches/xray_sdk.py": {
        "aws_lambda_powertools.tracing.tracer:Tracer": "_disable_xray_trace_batching()",
        "aws_xray_sdk.sdk_config:SDKConfig": "set_sdk_enabled(cls,value)",
        "aws_xray_sdk.core.recorder:AWSXRayRecorder": "configure emitter",
        "aws_xray_sdk.core.emitters.udp_emitter:UDPEmitter": "send_entity(entity) _socket",
        "aws_xray_sdk.core.models.segment:Segment": "increment() decrement_ref_counter() decrement_subsegments_size()",
        "aws_xray_sdk.core.context:Context": "put_segment(segment) put_subsegment(subsegment) end_subsegment(end_time) "
        "get_trace_entity() set_trace_entity(trace_entity) clear_trace_entities() _is_subsegment(entity)",
    },
    "fargate/telemetry/xray/entities.py": {
        "aws_xray_sdk.core.models.throwable:Throwable": "_recorded _cause_id",
        "aws_xray_sdk.core.models.segment:Segment": "ready_to_send() get_total_subsegments_size()",
    },
}
GRANIAN = {
    "fargate/patches/granian_socket.py": {
        "granian.server.common:AbstractServer": "_shd _ssp _init_shared_socket() backlog",
        "granian.server.embed": "Server",
    },
}
WAITRESS = {
    "fargate/patches/waitress_chunks.py": {"waitress.rfc7230": "ONLY_HEXDIG_RE CHUNK_EXT_RE"},
    "fargate/servers/waitress_channel.py": {
        "waitress.channel:HTTPChannel": "_flush_exception(flush,do_close) _flush_some(do_close) outbuf_lock "
        "total_outbufs_len will_close close_when_flushed requests readable() writable() handle_read() handle_write() "
        "handle_close() parser_class task_class error_task_class last_activity creation_time request requests_lock",
        "waitress.parser:HTTPRequestParser": "received(data) parse_header(header_plus) body_bytes_received completed "
        "expect_continue body_rcv chunked request_uri version error empty headers_finished header_bytes_received "
        "headers header_plus",
        "waitress.receiver:ChunkedReceiver": "control_line trailer",
        "waitress.task:Task": "close_on_finish build_response_header() finish() content_length has_body",
        "waitress.task:WSGITask": "get_environment()",
        "waitress.task:ErrorTask": "execute()",
    },
    "fargate/servers/waitress_server.py": {
        "waitress.server:BaseWSGIServer": "__init__(application,map,_start,_sock,dispatcher,adj,sockinfo,bind_socket) "
        "active_channels pull_trigger() handle_accept() channel_class readable()",
        "waitress.channel:HTTPChannel": "last_activity creation_time service()",
        "waitress.wasyncore:dispatcher": "_map _fileno accept() close()",
    },
    "fargate/servers/waitress_loop.py": {
        "waitress.wasyncore": "readwrite(obj,flags)",
        "waitress.wasyncore:dispatcher": "accepting readable() writable()",
    },
}
UVICORN = {
    "fargate/servers/uvicorn_server.py": {
        "uvicorn.server:Server": "capture_signals() startup(sockets) on_tick(counter) shutdown(sockets)"
    },
    "fargate/servers/uvicorn_fast_path.py": {
        "uvicorn.protocols.http.httptools_impl:HttpToolsProtocol": "connection_made(transport) connection_lost(exc) "
        "pause_writing() resume_writing() shutdown()",
        "uvicorn.server:ServerState": "connections default_headers",
        "uvicorn.config:Config": "app h11_max_incomplete_event_size",
    },
    "fargate/servers/uvicorn_protocol.py": {
        "uvicorn.protocols.http.httptools_impl": "STATUS_LINE",
        "uvicorn.protocols.http.httptools_impl:HttpToolsProtocol": "data_received(data) eof_received() "
        "on_message_begin() on_header(name,value) on_headers_complete() on_body(body) on_message_complete() "
        "on_response_complete() _unset_keepalive_if_required() _should_upgrade_to_ws() "
        "parser cycle pipeline transport url headers client config",
        "uvicorn.protocols.http.httptools_impl:RequestResponseCycle": "response_complete more_body keep_alive "
        "message_event",
        "uvicorn.config:Config": "h11_max_incomplete_event_size",
    },
}
PG8000 = {
    "chalicelib/database/pooler.py": {
        "pg8000.core": "_flush(sock) SYNC DESCRIBE PORTAL NULL_BYTE",
        "pg8000.core:Context": "__init__(statement,stream,columns,input_funcs) rows error",
        "pg8000.core:CoreConnection": "_send_message(code,data) _sock _backend_key_data py_types "
        "send_PARSE(statement_name_bin,statement,oids) send_BIND(statement_name_bin,params) send_EXECUTE() "
        "handle_messages(context) execute_simple(statement)",
        "pg8000.native": "to_statement(query)",
        "pg8000.converters": "make_params(py_types,values)",
    },
    "chalicelib/database/login.py": {
        "pg8000.core:CoreConnection": "handle_AUTHENTICATION_REQUEST(data,context) execute_simple(statement)",
    },
}
USED = CHALICE | POWERTOOLS | XRAY_SDK | GRANIAN | WAITRESS | UVICORN | PG8000
ROWS = [
    (place, owner, name) for place, owners in USED.items() for owner, names in owners.items() for name in names.split()
]
PUBLIC = {"_exit", "_replace"}  # of `os` and of named tuples: documented, for all their underscores
COMPILED = {"granian._granian"}
"""Modules without Python source; the tests at the end try what is used of them."""


@pytest.mark.parametrize("place", USED)
def test_the_libraries_still_have_what_is_used(place: str) -> None:
    changed = [each for user, owner, name in ROWS if user == place for each in changes(owner, name)]
    assert [f"{each}, which {place} uses" for each in changed] == []


def changes(owner: str, name: str) -> list[str]:
    """Return a sentence if a library no longer has a name, or a function with these parameters."""
    name, _, parameters = name.partition("(")
    there = definitions(owner)
    if name not in there:
        return [f"{owner} has no {name} any more"]
    wanted = tuple(filter(None, parameters.removesuffix(")").split(",")))
    return [f"{owner} changed {name} to {there[name]}"] if parameters and there[name] != wanted else []


def test_a_change_is_found() -> None:
    """The negative control."""
    assert changes("chalice.app", "_matches_content_type(content_type)") != []
    assert changes("chalice.app:Chalice", "_matches_content_type") != []


@pytest.mark.parametrize("place", USED)
def test_the_list_names_nothing_that_is_not_used(place: str) -> None:
    names = [name.partition("(")[0] for user, _, name in ROWS if user == place]
    assert [name for name in names if not re.search(rf"\b{name}\b", source(place))] == [], f"{place}: drop these"


def source(place: str) -> str:
    return (ROOT / place).read_text(encoding="utf-8")


def test_every_private_name_of_a_library_is_listed() -> None:
    """Private: it begins with an underscore, and no file of ours defines it."""
    files = [ROOT / "app.py", *(path for room in ("chalicelib", "fargate") for path in (ROOT / room).rglob("*.py"))]
    trees = {str(path.relative_to(ROOT)): ast.parse(path.read_text(encoding="utf-8")) for path in files}
    ours = {name for tree in trees.values() for node in ast.walk(tree) for name in defined(node)} | PUBLIC
    listed = {(place, name.partition("(")[0]) for place, _, name in ROWS}
    used = {(place, name) for place, tree in trees.items() for node in ast.walk(tree) for name in private_names(node)}
    assert sorted((place, name) for place, name in used - listed if name not in ours | COMPILED) == []


def defined(node: ast.AST) -> Iterator[str]:
    """Yield the names that our own code gives to functions, classes and attributes of `self`."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and ast.unparse(node.value) == "self":
        yield node.attr
    elif isinstance(node, ast.AnnAssign | ast.Assign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (target.id for target in targets if isinstance(target, ast.Name))


def private_names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Attribute) and re.match(r"_[^_]", node.attr):
        yield node.attr
    elif isinstance(node, ast.ImportFrom) and node.module and re.search(r"\._[^_]", node.module):
        yield node.module


def test_a_private_name_that_is_not_listed_is_found() -> None:
    """The negative control."""
    tree = ast.parse("from granian._granian import SocketHolder\nserver._secret = formatter._other")
    found = {name for node in ast.walk(tree) for name in private_names(node)}
    assert found == {"granian._granian", "_secret", "_other"}


def test_granians_socket_holder_takes_a_file_descriptor() -> None:
    from granian._granian import SocketHolder

    assert SocketHolder.__text_signature__ == "(fd, uds, backlog)", "granian changed it: patches/granian_socket.py"


def test_hiredis_reads_and_writes_as_the_redis_client_needs_it() -> None:
    """chalicelib/redis_client: a marker for an incomplete answer, and a command as a tuple of words."""
    incomplete = object()
    reader = hiredis.Reader(notEnoughData=incomplete)
    reader.feed(b"+O")
    assert reader.gets() is incomplete
    reader.feed(b"K\r\n")
    assert reader.gets() == b"OK"
    assert hiredis.pack_command((b"GET", "id")) == b"*2\r\n$3\r\nGET\r\n$2\r\nid\r\n"  # type: ignore[arg-type]
