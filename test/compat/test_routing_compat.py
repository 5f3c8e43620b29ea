"""Each recipient of routing.json goes where Debian's Postfix sent it, with the same words in the log."""
import json

import pytest
import routing_scenarios

_RECORDED = json.loads(routing_scenarios.RECORD.read_text())["scenarios"]


# What needs SMTPUTF8 waits for an SMTP server that offers it (test/not-run-here.md).
@pytest.mark.parametrize("name", [name for name in _RECORDED if not routing_scenarios.SCENARIOS[name].get("smtputf8")])
def test_mail_goes_where_postfix_sends_it(name, make_instance):
    assert routing_scenarios.observe(name, make_instance) == _RECORDED[name]
