"""Where mail goes: what the delivery agent logs for one recipient under one configuration.

observe(kind, name) gives {"sender recipient": "agent: to=..., dsn=..., status=... (text)"}. The answers of Debian's
Postfix are in routing.json; `routing_scenarios.py record` (run with test/ in PYTHONPATH) writes that file again.
"""
import json
import pathlib
import re
import sys

from support import Instance, free_port
from support.waiting import wait_until

RECORD = pathlib.Path(__file__).resolve().parent / "routing.json"
DEAD = "DEADPORT"  # a port on which nobody listens

SCENARIOS = {
    "classes": {
        "parameters": {
            "virtual_alias_domains": "va.test", "virtual_mailbox_domains": "vm.test",
            "virtual_transport": "discard:vmail", "local_transport": "discard:loc", "append_dot_mydomain": "yes",
            "relocated_maps": "inline:{moved@local.test=new@x.test}", "defer_transports": "defr",
            "transport_maps": "inline:{ *=discard:wild, lost.test=nosuch:, defer.test=defr:, "
                              f"both.test=:[127.0.0.1]:{DEAD}, "
                              f"dead.test=smtp:[127.0.0.1]:{DEAD}, up.test=discard:, e.test=error:, r.test=retry: }}",
            "recipient_delimiter": "+",
        },
        "mail": [("s@x.test", recipient) for recipient in [
            "u@va.test", "v@vm.test", "n@lost.test", "u@both.test", "d@defer.test", "a@dead.test", "X@UP.TEST",
            "e@e.test", "r@r.test", "moved@local.test", "double-bounce@local.test", "u%rem.test@local.test",
            "-dash@local.test", "bare", "two@[127.0.0.1]", "q@1.2.3.4", "w@bad..dot", "p@", "@host.test", "s@short",
            '"quo ted"@local.test', '"u@rem2.test"@local.test', "u@local.test."]],
    },
    "expiry": {
        "parameters": {"transport_maps": "inline:{lost.test=nosuch:, r.test=retry:}", "maximal_queue_lifetime": "0",
                       "bounce_queue_lifetime": "0"},
        "mail": [("bin@local.test", "n@lost.test"), ("bin@local.test", "r@r.test"), ("", "r@r.test")],
    },
    "senders": {
        "parameters": {
            "default_transport": "discard:def", "relay_domains": "rel.test", "relay_transport": "discard",
            "relayhost": "[rh.test]", "virtual_mailbox_domains": "box.test", "virtual_transport": "discard",
            "local_transport": "discard:$myhostname", "recipient_delimiter": "+",
            "sender_dependent_default_transport_maps":
                "inline:{@own.test=discard:own, x+y@e.test=discard:xy, z@e.test=discard:z, d@e.test=DUNNO, "
                "n@e.test=discard:, @e.test=discard:dom}",
            "sender_dependent_relayhost_maps": "inline:{@rl.test=[rl], d@rl.test=DUNNO}",
            "empty_address_default_transport_maps_lookup_key": "z@e.test",
            "parent_domain_matches_subdomains": "transport_maps",
            "transport_maps": "inline:{par.test=discard:parent, .dot.test=discard:dot, bang.test=:[bn], "
                              "user@par.test=discard:}",
            "resolve_null_domain": "yes", "resolve_numeric_domain": "yes", "allow_min_user": "yes",
            "swap_bangpath": "no", "allow_percent_hack": "no",
        },
        "mail": [
            ("a@own.test", "u@d.test"), ("x+y@e.test", "u@d.test"), ("z+q@e.test", "u@d.test"),
            ("d@e.test", "u@d.test"), ("n@e.test", "u@D.test"), ("q@e.test", "u@d.test"), ("", "u@d.test"),
            ("a@rl.test", "u@rel.test"), ("d@rl.test", "u@rel.test"), ("a@rl.test", "u@sub.rel.test"),
            ("a@rl.test", "u@box.test"), ("a@x.test", "u@par.test"), ("a@x.test", "u@s.par.test"),
            ("a@x.test", "u@s.dot.test"), ("a@x.test", "user@par.test"), ("a@x.test", "user+e@par.test"),
            ("a@x.test", "u@bang.test"), ("a@x.test", "p@"), ("a@x.test", "p@1.2.3.4"), ("a@x.test", "-m@local.test"),
            ("a@x.test", "u%d.test@local.test"), ("a@x.test", "d.test!u@local.test"), ("a@x.test", "u@[10.1.1.1]"),
            ("a@x.test", "u@LOCAL.test"), ("a@x.test", "a@b@local.test"), ("a@x.test", '"a b"@par.test')],
    },
}


def _lines_of(instance, number):
    """What was logged of the message with this number once it reached the active queue, times and ids taken out."""
    log = instance.log()
    queue_id = re.search(rf": (\w+): message-id=<{number}@probe.test>", log)
    if not queue_id:
        return []
    lines = re.findall(rf"postfix/(\w+)\[\d+\]: {queue_id.group(1)}: (to=.*|from=.*, status=.*)$", log, re.M)
    return [f"{program}: {re.sub('delay=.*, dsn=', 'dsn=', text)}" for program, text in lines]


def observe(name, make=None, kind="posthaste"):
    scenario = SCENARIOS[name]
    port = str(free_port())
    parameters = {key: value.replace(DEAD, port) for key, value in scenario["parameters"].items()}
    instance = make(**parameters) if make else Instance(kind=kind, **parameters)
    try:
        instance.start()
        expected = 2 if name == "expiry" else 1
        result = {}
        for number, (sender, recipient) in enumerate(scenario["mail"]):
            instance.sendmail("-f", sender, "--", recipient, stdin=f"Message-ID: <{number}@probe.test>\n\nx\n")
            wait_until(lambda: len(_lines_of(instance, number)) >= expected,
                       lambda: f"the log of <{recipient}>: {instance.log()[-3000:]}")
            result[f"<{sender}> <{recipient}>"] = [line.replace(port, DEAD) for line in _lines_of(instance, number)]
        return result
    finally:
        if not make:
            instance.close()


def record():
    scenarios = {name: observe(name, kind="postfix") for name in SCENARIOS}
    RECORD.write_text(json.dumps({"postfix": "3.7.11", "scenarios": scenarios}, indent=1) + "\n")


if __name__ == "__main__" and sys.argv[1:] == ["record"]:
    record()
