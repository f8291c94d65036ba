"""Checks requests against a machine-readable description of the Bot API."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

VARIABLE = "TELEGRAM_API_SCHEMA"


def schema_from_environment() -> Path | None:
    """The file that the environment names, if it is there."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named and Path(named).is_file() else None


class Schema:
    """Every method and type of one version of the Bot API."""

    def __init__(self, path: Path) -> None:
        described = json.loads(path.read_text("utf-8"))
        entries = [entry for section in described["items"] for entry in section["children"]]
        self._methods = {entry["name"].lower(): entry for entry in entries if entry["category"] == "methods"}
        self._types = {entry["name"]: entry for entry in entries if entry["category"] == "types"}

    def knows(self, method: str) -> bool:
        return method.lower() in self._methods

    def problems(self, method: str, values: dict[str, Any], files: Collection[str]) -> tuple[list[str], list[str]]:
        """What is wrong with a request, and what Telegram has words of its own for: lengths, and what is missing.

        The values may be strings, as forms have them.
        """
        fields = {each["name"]: each for each in self._methods[method.lower()]["annotations"]}
        wrong, lacking = [], []
        for name, value in values.items():
            if name not in fields:
                wrong.append(f"unknown parameter {name}")
                continue
            read, kind = _read(value, fields[name]["type"]), fields[name]["type"]
            if not self._fits(read, kind, files):
                wrong.append(f"{name} must be {kind}" + self._inner(read, kind, name, files))
            else:
                lacking += self._sizes(read, fields[name], name, files)
        attached = json.dumps(values)
        for name in files:
            if name in fields:
                if "InputFile" not in fields[name]["type"]:
                    wrong.append(f"{name} is not a file")
            elif f"attach://{name}" not in attached:
                wrong.append(f"unknown file {name}")
        return wrong, lacking + [
            f"{name} is required"
            for name, field in fields.items()
            if field["required"] and name not in values and name not in files
        ]

    def _inner(self, value: Any, kind: str, where: str, files: Collection[str]) -> str:
        """What is wrong within an object, if only one type is possible."""
        if isinstance(value, dict) and kind in self._types and self._types[kind].get("annotations"):
            return f" ({'; '.join(self._object(value, kind, where, files))})"
        return ""

    def _fits(self, value: Any, kind: str, files: Collection[str]) -> bool:
        if kind.startswith("Array of "):
            inner = kind.removeprefix("Array of ")
            choices = re.split(r", | and ", inner)
            return isinstance(value, list) and all(
                any(self._fits(each, one, files) for one in choices) for each in value
            )
        if " or " in kind:
            return any(self._fits(value, each, files) for each in kind.split(" or "))
        if kind == "Integer":
            return isinstance(value, int) and not isinstance(value, bool)
        if kind == "Float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        if kind in {"Boolean", "True"}:
            return value is True or (value is False and kind == "Boolean")
        if kind == "String":
            return isinstance(value, str)
        if kind == "InputFile":
            return isinstance(value, str) and value.startswith("attach://") and value[9:] in files
        return isinstance(value, dict) and not self._object(value, kind, kind, files)

    def _object(self, value: dict[str, Any], kind: str, where: str, files: Collection[str]) -> list[str]:
        described = self._types.get(kind)
        if described is None:
            return [f"{kind} is not described"]
        if choices := _choices(described):
            fits = any(not self._object(value, each, where, files) for each in choices)
            return [] if fits else [f"{where} is none of {', '.join(choices)}"]
        fields = {each["name"]: each for each in described.get("annotations", [])}
        found = []
        for name, each in value.items():
            if name not in fields:
                found.append(f"{where} has no {name}")
                continue
            constant = re.search(r"(?:must be|always) [*\"“'‘]?(\w+)[*\"”'’]?\.?$", fields[name]["description"])
            if constant and name in {"type", "source", "status"} and each != constant[1]:
                found.append(f"{where}.{name} must be {constant[1]}")
            if not self._fits(each, fields[name]["type"], files):
                found.append(f"{where}.{name} must be {fields[name]['type']}")
        # Of objects that go both ways, what is not said is not granted.
        return found + [
            f"{where}.{name} is required"
            for name, field in fields.items()
            if field["required"] and field["type"] != "Boolean" and name not in value
        ]

    def _sizes(self, value: Any, field: dict[str, Any], where: str, files: Collection[str]) -> list[str]:
        """Which texts in something of the right type are too short or too long."""
        kind = field["type"]
        if isinstance(value, str):
            size = _wrong_size(value, field)
            return [f"{where} must have {size}"] if size else []
        if isinstance(value, list):
            inner = {**field, "type": kind.removeprefix("Array of ")}
            return [problem for each in value for problem in self._sizes(each, inner, where, files)]
        if not isinstance(value, dict):
            return []
        for name in re.split(r", | and | or ", kind):
            if self._fits(value, name, files):
                return self._sizes_within(value, name, where, files)
        return []

    def _sizes_within(self, value: dict[str, Any], kind: str, where: str, files: Collection[str]) -> list[str]:
        described = self._types[kind]
        for choice in _choices(described):
            if self._fits(value, choice, files):
                return self._sizes_within(value, choice, where, files)
        fields = {each["name"]: each for each in described.get("annotations", [])}
        return [
            problem
            for name, each in value.items()
            for problem in self._sizes(each, fields[name], f"{where}.{name}", files)
        ]


def _choices(described: dict[str, Any]) -> list[str]:
    """The types of which an object may be one."""
    return [] if described.get("annotations") else re.findall(r"^ - (\w+)$", described["description"], re.MULTILINE)


def _wrong_size(value: str, field: dict[str, Any]) -> str:
    """How long the text should have been; formatting does not count, so formatted ones are measured elsewhere."""
    span = re.search(r"\b(\d+)-(\d+) (?:bytes|characters)", field["description"])
    if span is None or "after entities parsing" in field["description"]:
        return ""
    size = len(value.encode()) if "bytes" in span.group() else len(value.encode("utf-16-le")) // 2
    return "" if int(span[1]) <= size <= int(span[2]) else span.group()


def _read(value: Any, kind: str) -> Any:
    """What a string of a form stands for."""
    if not isinstance(value, str) or kind == "String":
        return value
    try:
        read = json.loads(value)
    except ValueError:
        return {"True": True, "False": False}.get(value, value) if kind in {"Boolean", "True"} else value
    if "String" in kind.split(" or ") and not isinstance(read, int):
        return value
    return read
