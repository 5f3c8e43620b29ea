"""Replays what was recorded from Debian's Postfix, and compares.

Each scenario of operations.json runs with our programs. What differs on purpose stands with its reason in
differences.toml; such a place must still differ, so that the list does not outlive its entries. The SMTP dialogues,
smtpd-dialogue.json, are compared by test/system/test_smtpd_dialogue.py.
"""
import difflib
import json
import pathlib
import tomllib

import operations
import pytest
from normalise import normalise

_HERE = pathlib.Path(__file__).resolve().parent
_DIFFERENCES = tomllib.loads((_HERE / "differences.toml").read_text())


def _record(name):
    return json.loads((_HERE / f"{name}.json").read_text())["scenarios"]


def _expected_differences(scenario):
    """{place: reason} of one scenario. A place is what was sent, or the name of a text; "*" is anywhere."""
    return {entry["place"]: entry["reason"] for entry in _DIFFERENCES["difference"]
            if scenario in entry.get("scenarios", [scenario])}


def _readable_difference(place, theirs, ours):
    theirs, ours = (text if isinstance(text, list) else str(text).splitlines() for text in (theirs, ours))
    lines = difflib.unified_diff([str(line) for line in theirs], [str(line) for line in ours], "Postfix", "Posthaste",
                                 lineterm="", n=1)
    return f"at {place!r}:\n" + "\n".join(lines)


def _compare(pairs, expected):
    """`pairs`: (place, theirs, ours). Fails with every difference that is not expected, and the other way round."""
    wrong, seen = [], set()
    for place, theirs, ours in pairs:
        if theirs != ours:
            seen.add(str(place))
            if str(place) not in expected and "*" not in expected:
                wrong.append(_readable_difference(place, theirs, ours))
    wrong += [f"at {place!r}: no longer differs; take it out of differences.toml"
              for place in expected if place not in seen and place in {str(pair[0]) for pair in pairs}]
    if "*" in expected and not seen:
        wrong.append("nothing differs any more; take the scenario out of differences.toml")
    assert not wrong, "\n".join(wrong)


_OPERATIONS = _record("operations")


def _as_now(recorded):
    """A recorded text under the rules of today's normalise.py."""
    if isinstance(recorded, list):
        return [_as_now(line) for line in recorded]
    return normalise(recorded) if isinstance(recorded, str) else recorded


@pytest.mark.needs_root
@pytest.mark.parametrize("operation", [name for name in _OPERATIONS if name != "commands"])
def test_operation_looks_as_recorded(operation, make_instance):
    ours = operations.perform(operation, make_instance)
    theirs = _OPERATIONS[operation]
    _compare([(place, _as_now(theirs[place]), ours.get(place)) for place in theirs], _expected_differences(operation))


@pytest.fixture(scope="module")
def what_commands_say():
    return operations.perform("commands")


@pytest.mark.needs_root
@pytest.mark.parametrize("call", _OPERATIONS["commands"])
def test_command_says_what_was_recorded(call, what_commands_say):
    _compare([(call, _as_text(_OPERATIONS["commands"][call]), _as_text(what_commands_say[call]))],
             _expected_differences("commands"))


def _as_text(result):
    return f"exit {result['exit']}\n{result['output']}"
