"""Addresses become what Debian's Postfix makes of them (rewriting.json), but for what differences.toml lists.

What is listed there must still differ.
"""
import json
import pathlib
import tomllib

import pytest
import rewriting_scenarios

_RECORDED = json.loads(rewriting_scenarios.RECORD.read_text())["scenarios"]
_DIFFERENCES = tomllib.loads((pathlib.Path(__file__).resolve().parent / "differences.toml").read_text())["rewriting"]


@pytest.mark.parametrize("name", _RECORDED)
def test_addresses_become_what_postfix_makes_of_them(name, make_instance):
    ours, theirs = rewriting_scenarios.observe(name, make_instance), _RECORDED[name]
    expected = {entry["mail"] for entry in _DIFFERENCES if name in entry["scenarios"]}
    different = {mail for mail in theirs if ours[mail] != theirs[mail]}
    assert {mail: (theirs[mail], ours[mail]) for mail in different - expected} == {}, "(Postfix, Posthaste)"
    assert expected - different == set(), "no longer differs; take it out of differences.toml"
