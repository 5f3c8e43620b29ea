"""Each recipient of routing.json goes where Debian's Postfix sent it, with the same words in the log."""
import json

import pytest
import routing_scenarios

_RECORDED = json.loads(routing_scenarios.RECORD.read_text())["scenarios"]


@pytest.mark.parametrize("name", _RECORDED)
def test_mail_goes_where_postfix_sends_it(name, make_instance):
    try:
        ours = routing_scenarios.observe(name, make_instance)
    except routing_scenarios.Unavailable as reason:
        pytest.skip(str(reason))
    assert ours == _RECORDED[name]
