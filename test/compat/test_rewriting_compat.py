"""Addresses become what Debian's Postfix makes of them (rewriting.json), but for what differences.toml lists.

A place there is the name of a message of the scenario "rewriting SCENARIO"; it must still differ.
"""
import json
import pathlib
import tomllib

import pytest
import rewriting_scenarios

_RECORDED = json.loads(rewriting_scenarios.RECORD.read_text())["scenarios"]
_DIFFERENCES = tomllib.loads((pathlib.Path(__file__).resolve().parent / "differences.toml").read_text())["difference"]


@pytest.mark.parametrize("name", _RECORDED)
def test_addresses_become_what_postfix_makes_of_them(name, make_instance):
    ours, theirs = rewriting_scenarios.observe(name, make_instance), _RECORDED[name]
    expected = {entry["place"] for entry in _DIFFERENCES if f"rewriting {name}" in entry.get("scenarios", [])}
    different = {mail for mail in theirs if ours[mail] != theirs[mail]}
    assert {mail: (theirs[mail], ours[mail]) for mail in different - expected} == {}, "(Postfix, Posthaste)"
    assert expected - different == set(), "no longer differs; take it out of differences.toml"
