"""Every option that the manual pages of Debian's Postfix document, tried with our commands, and the answers compared
with what was recorded (command-options.json). What differs on purpose stands in differences.toml, [[command]]: `call`
is a pattern of whole calls, `scenario` of scenarios; what no longer differs fails its test.
"""
import difflib
import json
import pathlib
import re
import tomllib

import command_options
import pytest
from normalise import normalise

from support.paths import ROOT

_HERE = pathlib.Path(__file__).resolve().parent
_RECORD = json.loads((_HERE / "command-options.json").read_text())["scenarios"]
_DIFFERENCES = tomllib.loads((_HERE / "differences.toml").read_text())["command"]


def _difference(scenario, call):
    for entry in _DIFFERENCES:
        if re.fullmatch(entry["scenario"], scenario) and re.fullmatch(entry["call"], call, re.DOTALL):
            return entry
    return None


def _as_text(answer):
    lines = [f"exit {answer['exit']}", *normalise(answer["output"]).splitlines()]
    return [*lines, *answer.get("facts", []), answer.get("body", "")]


@pytest.mark.needs_root
@pytest.mark.parametrize("scenario", [name for name in _RECORD if name != "options-in-manuals"])
def test_each_call_answers_as_recorded(scenario, make_instance):
    ours = command_options.observe(scenario, make_instance)
    wrong = []
    for call, theirs in _RECORD[scenario].items():
        theirs_text, ours_text = _as_text(theirs), _as_text(ours[call])
        expected = _difference(scenario, call)
        if theirs_text != ours_text and expected is None:
            wrong += [f"{call!r}:", *difflib.unified_diff(theirs_text, ours_text, "Postfix", "Posthaste", lineterm="", n=1)]
        elif theirs_text == ours_text and expected is not None and expected.get("always", True):
            wrong.append(f"{call!r} no longer differs: {expected['reason']}")
    assert not wrong, "\n".join(wrong)


# How the options of one page are asked for: the scenarios whose calls have them. smtp-source and smtp-sink are compared
# with Postfix's own by test/system/test_smtp_source_sink.py.
_SCENARIOS = {"sendmail": ["sendmail-modes", "mailq", "newaliases", "submissions"]}
_ELSEWHERE = {"smtp-source", "smtp-sink"}


@pytest.mark.parametrize("page", _RECORD["options-in-manuals"])
def test_every_documented_option_is_tried(page):
    if page in _ELSEWHERE:
        text = " ".join((ROOT / "src/command" / page / "options.cc").read_text().split("getopt")[1:])
        missing = [option for option in _RECORD["options-in-manuals"][page] if option[1] not in text]
    else:
        tried = " ".join(call for name in _SCENARIOS.get(page, [page]) for call in _RECORD[name])
        # Options may stand together (-qdbh), and an argument behind its option (-qI<id>).
        missing = [option for option in _RECORD["options-in-manuals"][page]
                   if not re.search(rf"(^|[ '])-[A-Za-z]*{re.escape(option[1:])}", tried)]
    assert not missing
