"""Each recipient of routing.json goes where Debian's Postfix sent it, with the same words in the log."""
import json

import pytest
import routing_scenarios

_RECORDED = json.loads(routing_scenarios.RECORD.read_text())["scenarios"]


@pytest.mark.parametrize("name", _RECORDED)
def test_mail_goes_where_postfix_sends_it(name, make_instance):
    assert routing_scenarios.observe(name, make_instance) == _RECORDED[name]
