"""The events that a WebSocket API hands to its Lambda functions.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-mapping-template-reference.html
"""

from dataclasses import dataclass
from typing import Any

from fargate.gateway.event import API_ID, Event, Many, last_values, request_time
from fargate.http.identifiers import RequestIds

CONNECT, MESSAGE, DISCONNECT = "$connect", "$default", "$disconnect"


@dataclass(frozen=True, slots=True)
class Opened:
    """What is known of a connection from its handshake."""

    connection_id: str
    domain_name: str
    stage: str
    host: str  # the header
    source_ip: str
    user_agent: str
    connected_at: float  # seconds since the epoch


def connect_event(opened: Opened, ids: RequestIds, now: float, headers: Many, query: Many | None) -> Event:
    """Return the event of a handshake; headers and parameters of the query with all their values."""
    event = _event(opened, ids, now, "CONNECT", CONNECT) | _with_all("headers", "multiValueHeaders", headers)
    return event | _with_all("queryStringParameters", "multiValueQueryStringParameters", query) if query else event


def message_event(opened: Opened, ids: RequestIds, now: float, body: str) -> Event:
    """Return the event of a message."""
    event = _event(opened, ids, now, "MESSAGE", MESSAGE)
    event["requestContext"]["messageId"] = ids.extended_id
    return event | {"body": body}


def disconnect_event(opened: Opened, ids: RequestIds, now: float, code: int, reason: str) -> Event:
    """Return the event of a connection's end; code and reason are those of its close frame (RFC 6455, section 7.4)."""
    event = _event(opened, ids, now, "DISCONNECT", DISCONNECT)
    event["requestContext"] |= {"disconnectStatusCode": code, "disconnectReason": reason}
    return event | _with_all("headers", "multiValueHeaders", {"Host": [opened.host]})


def _event(opened: Opened, ids: RequestIds, now: float, event_type: str, route: str) -> Event:
    context: dict[str, Any] = {
        "routeKey": route,
        "eventType": event_type,
        "extendedRequestId": ids.extended_id,
        "requestTime": request_time(int(now)),
        "messageDirection": "IN",
        "stage": opened.stage,
        "connectedAt": int(opened.connected_at * 1000),
        "requestTimeEpoch": int(now * 1000),
        "identity": {"sourceIp": opened.source_ip} | ({"userAgent": opened.user_agent} if opened.user_agent else {}),
        "requestId": ids.extended_id,
        "domainName": opened.domain_name,
        "connectionId": opened.connection_id,
        "apiId": API_ID,
    }
    return {"requestContext": context, "isBase64Encoded": False}


def _with_all(single: str, multiple: str, values: Many) -> Event:
    return {single: last_values(values), multiple: values}
