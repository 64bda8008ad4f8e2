# Copyright: Contributors to the secops.securityhub project
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Serve a rest-json service by its botocore model: route, parse, validate, serialize, map exceptions."""

from __future__ import annotations

import functools
import json
import re
import uuid
from typing import Any
from typing import Callable
from urllib.parse import parse_qs
from urllib.parse import unquote

import botocore.session

# ministack asks for a session for each service whose model it reads.
botocore.session.get_session = functools.cache(botocore.session.get_session)

Answer = tuple[int, dict[str, str], bytes]
_session = botocore.session.get_session()


class AwsError(Exception):
    """An error that the service answers with.

    code: the shape's name in the model, message: AWS's sentence, status: only for codes that the model lacks.
    """

    def __init__(self, code: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class Garbage(Exception):
    """The answer is a web page in place of the service's, as from a proxy that asks to sign in."""


class ConnectionLost(Exception):
    """The endpoint does not exist: the connection breaks without an answer."""


def model_of(service: str) -> Any:
    """Return botocore's model of a service."""
    return _session.get_service_model(service)


class Routes:
    """Which operation of a service a method and a path are for."""

    def __init__(self, model: Any) -> None:
        self.exact: dict[tuple[str, str], Any] = {}
        self.templated: list[tuple[str, re.Pattern[str], Any]] = []
        for name in model.operation_names:
            self._add(model.operation_model(name))

    def _add(self, operation: Any) -> None:
        method, uri = operation.http["method"], operation.http["requestUri"].split("?")[0]
        if "{" not in uri:
            self.exact[method, uri] = operation
            return
        pattern = re.sub(r"\{(\w+)(\+?)\}", lambda found: f"(?P<{found[1]}>{'.+' if found[2] else '[^/]+'})", uri)
        self.templated.append((method, re.compile(pattern), operation))

    def operation(self, method: str, raw_path: str) -> tuple[Any, dict[str, str]]:
        """Return the operation and the parameters in its path, or (None, {})."""
        found = self.exact.get((method, raw_path))
        if found is not None:
            return found, {}
        for verb, pattern, operation in self.templated:
            match = pattern.fullmatch(raw_path) if verb == method else None
            if match:
                return operation, {name: unquote(value) for name, value in match.groupdict().items()}
        return None, {}


class RestJson:
    """One service. `operations` maps an operation's name to a function of its parsed input that returns its output."""

    def __init__(self, service: str, operations: dict[str, Callable[[dict], dict | None]], invalid: str) -> None:
        """invalid: the exception that this service answers with when an input does not fit the model."""
        self.model = model_of(service)
        self.routes = Routes(self.model)
        self.operations = operations
        self.invalid = invalid
        self.check_items: frozenset[str] = frozenset()  # operations that refuse single items, not the batch

    def answer(self, method: str, raw_path: str, query: str, body: bytes) -> Answer:
        """Return the answer to a request; account and region of the caller are in ministack's request scope."""
        operation, in_path = self.routes.operation(method, raw_path)
        if operation is None:
            return _error("UnknownOperationException", "", 404)
        try:
            given = self._parse(operation, in_path, query, body)
            function = self.operations.get(operation.name)
            if function is None:
                raise AwsError("NotImplemented", f"{operation.name} is not emulated", 501)
            return self._success(operation, function(given) or {})
        except Garbage:
            return 200, {"Content-Type": "text/html"}, b"<html><body>Please sign in."
        except AwsError as error:
            return _error(error.code, error.message, error.status or self._status(error.code))

    def _parse(self, operation: Any, in_path: dict[str, str], query: str, body: bytes) -> dict:
        shape = operation.input_shape
        if shape is None:
            return {}
        try:
            given = json.loads(body) if body else {}
        except ValueError:
            raise AwsError("SerializationException", "The request body is not JSON", 400) from None
        if not isinstance(given, dict):
            raise AwsError("SerializationException", "The request body is not a JSON object", 400)
        for name, value in in_path.items():
            given[_member(shape, name)] = value
        if query:
            _add_query(shape, given, parse_qs(query, keep_blank_values=True))
        if operation.name in self.check_items:
            return given
        problems: list[str] = []
        find_problems(shape, given, "", problems)
        if problems:
            counted = f"{len(problems)} validation error{'s' if len(problems) > 1 else ''} detected"
            errors = {error.name for error in operation.error_shapes}
            code = "ValidationException" if "ValidationException" in errors else self.invalid
            raise AwsError(code, f"{counted}: {'; '.join(problems[:5])}")
        return given

    def _status(self, code: str) -> int:
        error = self.model.shape_for(code).metadata.get("error", {}) if code in self.model.shape_names else {}
        return error.get("httpStatusCode", 400)

    @staticmethod
    def _success(operation: Any, output: dict) -> Answer:
        shape = operation.output_shape
        members = shape.members if shape is not None else {}
        unknown = set(output) - set(members)
        if unknown:
            raise RuntimeError(f"{operation.name} has no output {sorted(unknown)}")
        body = json.dumps(output, separators=(",", ":")).encode()
        return operation.http.get("responseCode", 200), _headers(), body


def _headers() -> dict[str, str]:
    return {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}


def _error(code: str, message: str, status: int) -> Answer:
    body = json.dumps({"Message": message, "Code": code}).encode()
    return status, {**_headers(), "x-amzn-ErrorType": code}, body


def _member(shape: Any, wire_name: str) -> str:
    for name, member in shape.members.items():
        if member.serialization.get("name", name) == wire_name:
            return name
    return wire_name


def _add_query(shape: Any, given: dict, query: dict[str, list[str]]) -> None:
    for name, member in shape.members.items():
        if member.serialization.get("location") != "querystring":
            continue
        values = query.get(member.serialization.get("name", name))
        if values is None:
            continue
        given[name] = values if member.type_name == "list" else _from_text(member.type_name, values[0])


def _from_text(type_name: str, text: str) -> Any:
    if type_name == "boolean":
        return text.lower() == "true"
    if type_name in ("integer", "long") and re.fullmatch(r"-?\d+", text):
        return int(text)
    return text


TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "list": list,
    "map": dict,
    "structure": dict,
}


def find_problems(shape: Any, value: Any, where: str, problems: list[str]) -> None:
    """Append to `problems`, worded as by AWS, each part of `value` that the shape does not allow."""
    kind = shape.type_name
    expected = TYPES.get(kind)
    if expected and (not isinstance(value, expected) or (isinstance(value, bool) and kind != "boolean")):
        problems.append(f"Value at '{where}' failed to satisfy constraint: Member must be of type {kind}")
        return
    if kind == "structure":
        _find_problems_in_structure(shape, value, where, problems)
    elif kind == "list":
        _find_size_problem(shape, len(value), value, where, problems, "length")
        for index, item in enumerate(value, 1):
            find_problems(shape.member, item, f"{where}.{index}.member", problems)
    elif kind == "map":
        for key, item in value.items():
            find_problems(shape.value, item, f"{where}.{key}", problems)
    elif kind == "string":
        _find_problems_in_string(shape, value, where, problems)
    elif kind in ("integer", "long"):
        _find_size_problem(shape, value, value, where, problems, "value")


def _find_problems_in_structure(shape: Any, value: dict, where: str, problems: list[str]) -> None:
    prefix = f"{where}." if where else ""
    problems.extend(
        f"Value null at '{prefix}{_camel(name)}' failed to satisfy constraint: Member must not be null"
        for name in shape.required_members
        if value.get(name) is None
    )
    for name, member in shape.members.items():
        if value.get(name) is not None:
            find_problems(member, value[name], prefix + _camel(name), problems)


def _find_problems_in_string(shape: Any, value: str, where: str, problems: list[str]) -> None:
    metadata = shape.metadata
    if not metadata:
        return
    _find_size_problem(shape, len(value), value, where, problems, "length")
    allowed = metadata.get("enum")
    if allowed and value not in allowed:
        problems.append(_problem(value, where, f"satisfy enum value set: [{', '.join(allowed)}]"))
    pattern = metadata.get("pattern")
    if pattern and not _compiled(pattern).fullmatch(value):
        problems.append(_problem(value, where, f"satisfy regular expression pattern: {pattern}"))


def _find_size_problem(shape: Any, size: int, value: Any, where: str, problems: list[str], what: str) -> None:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        problems.append(_problem(value, where, f"have {what} greater than or equal to {least}"))
    if most is not None and size > most:
        problems.append(_problem(value, where, f"have {what} less than or equal to {most}"))


def _problem(value: Any, where: str, rule: str) -> str:
    return f"Value '{value}' at '{where}' failed to satisfy constraint: Member must {rule}"


def _camel(name: str) -> str:
    return name[:1].lower() + name[1:]


_patterns: dict[str, re.Pattern[str]] = {}


def _compiled(pattern: str) -> re.Pattern[str]:
    found = _patterns.get(pattern)
    if found is None:
        # A trailing hyphen class as AWS writes it, [A-Za-z0-9-_], is fine in Python too; Unicode classes are not.
        found = _patterns[pattern] = re.compile(pattern.replace("\\p{Print}", "."), re.DOTALL)
    return found


def page(items: list, given: dict, key: str, invalid: str, default: int = 100) -> dict:
    """One page of `items` under `key`; an unknown token is refused with the error `invalid`."""
    token = given.get("NextToken") or ""
    start = 0
    if token:
        match = re.fullmatch(r"page-(\d+)", bytes.fromhex(token).decode(errors="replace") if _is_hex(token) else "")
        if not match:
            raise AwsError(invalid, "Invalid NextToken")
        start = int(match[1])
    end = start + (given.get("MaxResults") or default)
    found = {key: items[start:end]}
    if end < len(items):
        found["NextToken"] = f"page-{end}".encode().hex()
    return found


def _is_hex(text: str) -> bool:
    return re.fullmatch(r"([0-9a-f]{2})+", text) is not None
