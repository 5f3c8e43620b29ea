"""The TLS dialogues of tls_scenarios.py, held with our server and compared with what Debian's Postfix answered and logged.

Where we differ on purpose, DIFFERENCES says what we do instead and why; every entry must still be needed.
"""
import json
import pathlib

import pytest
import tls_scenarios

RECORDED = json.loads((pathlib.Path(__file__).resolve().parent / "smtpd-tls.json").read_text())["scenarios"]
NOT_OFFERED = ("CHUNKING",)

# (scenario, "log", "received" or what is sent): what it is with us.
DIFFERENCES = {}


@pytest.fixture(scope="module")
def services(make_shared_instance):
    return tls_scenarios.services_of_all(make_shared_instance)


def _offered(reply):
    """An EHLO reply without the extensions that we do not offer yet."""
    lines = [line for line in reply if line[4:] not in NOT_OFFERED]
    if lines and lines[-1][3:4] == "-":
        lines[-1] = f"{lines[-1][:3]} {lines[-1][4:]}"
    return lines


def _places(record):
    """{place: lines} of a record; a command that is sent again has its number behind it."""
    places = {}
    for step in record["dialogue"]:
        place, number = step["send"], 2
        while place in places:
            place, number = f"{step['send']} ({number})", number + 1
        places[place] = _offered(step["reply"])
    return places | {"log": record["log"], "received": record["received"]}


@pytest.mark.needs_root
@pytest.mark.parametrize("scenario", RECORDED)
def test_tls_dialogue_is_that_of_postfix(scenario, services):
    theirs, ours = _places(RECORDED[scenario]), _places(tls_scenarios.hold(services, scenario))
    for place in [*theirs, *(place for place in ours if place not in theirs)]:
        expected = theirs.get(place)
        if (scenario, place) in DIFFERENCES:
            assert DIFFERENCES[scenario, place] != expected, f"{place!r} is no difference any more"
            expected = DIFFERENCES[scenario, place]
        assert ours.get(place) == expected, f"{scenario}: {place!r}"
