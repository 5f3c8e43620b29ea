"""Content inspection does what Debian's Postfix does (filter.json), but for what differences.toml lists.

What is listed there must still differ.
"""
import json
import pathlib
import tomllib

import filter_scenarios
import pytest

_RECORDED = json.loads(filter_scenarios.RECORD.read_text())["scenarios"]
_DIFFERENCES = tomllib.loads((pathlib.Path(__file__).resolve().parent / "differences.toml").read_text())["filter"]


@pytest.mark.parametrize("name", _RECORDED)
def test_inspected_mail_fares_as_with_postfix(name, make_instance):
    ours, theirs = filter_scenarios.observe(name, make_instance), _RECORDED[name]
    expected = {mail for entry in _DIFFERENCES if name in entry["scenarios"] for mail in entry["mail"]}
    different = {mail for mail in theirs if ours[mail] != theirs[mail]}
    assert {mail: (theirs[mail], ours[mail]) for mail in different - expected} == {}, "(Postfix, Posthaste)"
    assert expected - different == set(), "no longer differs; take it out of differences.toml"
