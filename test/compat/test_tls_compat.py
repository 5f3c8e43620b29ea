"""The TLS dialogues of tls_scenarios.py, held with our server and compared with what Debian's Postfix answered and logged.

Where we differ on purpose it is told here with the reason; every entry must still be needed.
"""
import json
import pathlib
import re

import pytest
import tls_scenarios

RECORDED = json.loads((pathlib.Path(__file__).resolve().parent / "smtpd-tls.json").read_text())["scenarios"]
NOT_OFFERED = ("CHUNKING",)
NOT_AVAILABLE, BYE = ["454 4.7.0 TLS not available due to local problem"], ["221 2.0.0 Bye"]
REFUSED = "disconnect from localhost[127.0.0.1] ehlo=1 starttls=0/1 quit=1 commands=2/3"

# What smtpd cannot use is told, before the first client, in one line that names the file or parameter and the reason;
# Postfix takes up to four. The line is what fits this.
ONE_WARNING = {
    "certificate-missing": r"DIR/pki/none\.crt: No such file or directory",
    "key-missing": r"DIR/pki/none\.key: No such file or directory",
    "key-of-another": r"DIR/pki/client-rsa\.key.* DIR/pki/rsa\.crt",
    "key-of-another-type": r"DIR/pki/ecdsa\.key.* DIR/pki/rsa\.crt",
    "key-not-in-the-file": r"DIR/pki/rsa\.crt.* no private key",
    "second-certificate-missing": r"DIR/pki/none\.crt: No such file or directory",
    "chain-certificate-first": r"DIR/pki/rsa\.crt.* key",
    "chain-key-alone": r"DIR/pki/rsa\.key.* certificate",
    "chain-of-another-key": r"DIR/pki/rsa\.crt.* key",
    "ca-file-missing": r"DIR/pki/none\.crt.*No such file or directory",
    "ca-file-without-certificate": r"DIR/pki/rsa\.key.*no cert",
    "digest-unknown": '"nosuch"',
    "protocols-unknown": '"bogus"',
    "anonymous-client-certificate": "Need a server cert to request client certs",
    # These it finds out when a client comes, and drops the connection.
    "grade-unknown": '"bogus"',
    "exclusion-with-a-sign": "AES256",
    "cipher-list-without-ciphers": '"NOSUCH"',
    # TLS goes on without them. Postfix looks at the curves twice.
    "dh-file-missing": r"DIR/pki/none\.pem: No such file or directory",
    "curve-unknown": '"nosuch"',
}

# (scenario, "log", "received" or what is sent): what it is with us.
DIFFERENCES = {
    # Known before anybody comes: mail comes in as plain text.
    **{(scenario, place): ours for scenario in ("grade-unknown", "exclusion-with-a-sign", "cipher-list-without-ciphers")
       for place, ours in {"STARTTLS": NOT_AVAILABLE, "QUIT": BYE, "<read>": ["<closed>"]}.items()},
    **{(scenario, "log"): ["connect from localhost[127.0.0.1]", REFUSED]
       for scenario in ("grade-unknown", "exclusion-with-a-sign", "cipher-list-without-ciphers")},
    # Postfix sends its greeting behind the 421.
    ("wrapper-no-client-certificate", "<read>"): ["<closed>"],
}

# Lines that only one side has, or that only one side counts.
ONLY_THEIRS = [
    # A key of tickets belongs to a process and has no date.
    r"localhost\[127\.0\.0\.1\]: (Issuing|Decrypting) session ticket, key expiration: TIME",
    r"localhost\[127\.0\.0\.1\]: Reusing old session \(RFC 5077 session ticket\)",
    # Of a client's chain we log the certificate itself.
    r"localhost\[127\.0\.0\.1\]: depth=\d verify=\d subject=/CN=.*",
    r"(subject|issuer)=/CN=.*",
]
ONLY_OURS = [
    # Who writes behind STARTTLS is told in the log, as behind any other command that must be the last.
    r"improper command pipelining after STARTTLS from localhost\[127\.0\.0\.1\]: .*",
]
# A session of TLS 1.3 that is taken up again has no signature of the server; Postfix names that of its certificate.
NOT_SIGNED = re.compile(r"(?<= key-exchange X25519) server-signature RSA-PSS \(2048 bits\)$")


@pytest.fixture(scope="module")
def services(make_shared_instance):
    return tls_scenarios.services_of_all(make_shared_instance)


def _offered(reply):
    """An EHLO reply without the extensions that we do not offer yet."""
    lines = [line for line in reply if line[4:] not in NOT_OFFERED]
    if lines and lines[-1][3:4] == "-":
        lines[-1] = f"{lines[-1][:3]} {lines[-1][4:]}"
    return lines


def _without(lines, patterns):
    return [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in patterns)]


def _without_first_warnings(log):
    """What comes from the first client on."""
    return log[next(number for number, line in enumerate(log) if line.startswith("connect from")):]


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
    theirs["log"], ours["log"] = _without(theirs["log"], ONLY_THEIRS), _without(ours["log"], ONLY_OURS)
    theirs["log"] = [NOT_SIGNED.sub("", line) for line in theirs["log"]]
    if scenario in ONE_WARNING:
        assert theirs["log"] != ours["log"], "no difference any more"
        assert re.fullmatch(f"warning: .*{ONE_WARNING[scenario]}.*", ours["log"][0]), ours["log"]
        theirs["log"] = _without_first_warnings(theirs["log"])
        ours["log"] = ours["log"][1:]
    for place in [*theirs, *(place for place in ours if place not in theirs)]:
        expected = theirs.get(place)
        if (scenario, place) in DIFFERENCES:
            assert DIFFERENCES[scenario, place] != expected, f"{place!r} is no difference any more"
            expected = DIFFERENCES[scenario, place]
        assert ours.get(place) == expected, f"{scenario}: {place!r}"
