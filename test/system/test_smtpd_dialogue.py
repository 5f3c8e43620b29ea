"""The SMTP dialogues of test/compat, held with our server and compared with what Debian's Postfix answered.

Where we differ on purpose, DIFFERENCES says what we answer instead and why; every entry must still be needed.
"""
import json
import pathlib
import sys

import pytest

COMPAT = pathlib.Path(__file__).resolve().parents[1] / "compat"
sys.path.insert(0, str(COMPAT))
import dialogue  # noqa: E402

RECORDED = json.loads((COMPAT / "smtpd-dialogue.json").read_text())["scenarios"]

HELP = ["214 2.0.0 Commands: HELO EHLO MAIL RCPT DATA RSET NOOP VRFY ETRN HELP QUIT"]
NO_BDAT = ["502 5.5.1 Error: command not implemented"]
BAD_SENDER, BAD_RECIPIENT = ["501 5.1.7 Bad sender address syntax"], ["501 5.1.3 Bad recipient address syntax"]
SYNCHRONIZATION = ["554 5.5.0 Error: SMTP protocol synchronization", "<closed>"]

# (scenario, what is sent): our reply. A number instead of a text names a step by its place.
DIFFERENCES = {
    # HELP is a command of Postfix since 3.10.
    ("sequence", "HELP"): HELP, ("sequence", "HELP DATA"): HELP, ("helo-required", "HELP"): HELP,
    # CHUNKING is not offered yet; Postfix waits for the chunk.
    ("unknown-commands", "BDAT 10"): NO_BDAT, ("unknown-commands", "BDAT"): NO_BDAT,
    ("unknown-commands", "BDAT x LAST"): NO_BDAT,
    ("unknown-commands", "MAIL"): ["501 5.5.4 Syntax: MAIL FROM:<address>"],
    ("unknown-commands", "RCPT"): ["503 5.5.1 Error: need MAIL command"],
    ("unknown-commands", "QUIT"): ["221 2.0.0 Bye"],
    # What is no address is no address.
    ("vrfy", "VRFY <"): BAD_RECIPIENT,
    ("rcpt-syntax", "RCPT TO:<\x01@example.com>"): BAD_RECIPIENT,
    ("mail-syntax", "MAIL FROM:<\x01@example.com>"): BAD_SENDER,
    # SIZE of a MAIL command that was refused is forgotten.
    ("size-declared", 5): ["250 2.1.0 Ok"],
    # smtpd_forbid_unauth_pipelining is on by default since Postfix 3.9.
    ("pipelined", 4): ["250 2.1.0 Ok", "250 2.1.5 Ok", "250 2.0.0 Ok", *SYNCHRONIZATION],
    ("pipelined-before-helo", 1): SYNCHRONIZATION,
    # The version is ours.
    ("banner", "<connect>"): ["220 mail.local.test ESMTP Postfix (0.1.0)"],
}
NOT_OFFERED = ("CHUNKING",)


def _offered(reply):
    """An EHLO reply without the extensions that we do not offer yet."""
    lines = [line for line in reply if line[4:] not in NOT_OFFERED]
    if lines and lines[-1][3:4] == "-":
        lines[-1] = f"{lines[-1][:3]} {lines[-1][4:]}"
    return lines


def _expected(scenario):
    """The recorded steps with our differences in their place."""
    steps = [(step["send"], _offered(step["reply"])) for step in RECORDED[scenario]]
    expected = []
    for number, (send, reply) in enumerate(steps):
        key = (scenario, number if (scenario, number) in DIFFERENCES else send if isinstance(send, str) else None)
        if key in DIFFERENCES:
            assert DIFFERENCES[key] != reply, f"{key} is no difference any more"
        expected.append((send, DIFFERENCES.get(key, reply)))
    return expected


@pytest.mark.parametrize("scenario", sorted(RECORDED))
def test_dialogue_is_that_of_postfix(scenario, make_instance):
    expected = _expected(scenario)
    held = [(step["send"], _offered(step["reply"])) for step in dialogue.hold(scenario, make_instance)]
    recorded = {number for number, _ in enumerate(expected)}
    for number, (send, reply) in enumerate(held):
        wanted = expected[number][1] if number in recorded else DIFFERENCES[(scenario, send)]
        assert reply == wanted, f"{scenario}: {send!r}"
    assert len(held) >= len(expected)
