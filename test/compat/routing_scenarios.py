"""Where mail goes: what the delivery agent logs for one recipient under one configuration.

observe(name) gives {"<sender> <recipient>": ["agent: to=..., dsn=..., status=... (text)"]}, or the server's reply where it
did not take the mail. The answers of Debian's Postfix are in routing.json; `tools/compat-record routing` makes that file
anew.
"""
import pathlib
import re

from routing_matrix import SCENARIOS as MATRIX

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
    **MATRIX,
}

# For the matrix: the server takes what is asked of it, so that routing is what answers.
_COMMON = {"smtpd_reject_unlisted_recipient": "no", "smtpd_error_sleep_time": "0", "smtpd_junk_command_limit": "1000",
           "smtpd_hard_error_limit": "1000", "smtpd_soft_error_limit": "1000", "smtpd_recipient_limit": "1000"}


def _lines_of(log, queue_id):
    """What was logged of a message once it reached the active queue, times, ids and blanks at the end taken out."""
    lines = re.findall(rf"postfix/(\w+)\[\d+\]: {queue_id}: (to=.*|from=.*, status=.*)$", log, re.M)
    return [f"{program}: {re.sub(' +[)]$', ')', re.sub('delay=.*, dsn=', 'dsn=', text))}" for program, text in lines]


def _submit(instance, number, sender, recipient, expected):
    instance.sendmail("-f", sender, "--", recipient, stdin=f"Message-ID: <{number}@probe.test>\n\nx\n")
    queue_id = instance.wait_for_log(rf": (\w+): message-id=<{number}@probe.test>")[1]
    wait_until(lambda: len(_lines_of(instance.log(), queue_id)) >= expected,
               lambda: f"the log of <{recipient}>: {instance.log()[-3000:]}")
    return _lines_of(instance.log(), queue_id)


def _verify(instance, number, sender, recipient):
    """What sendmail -bv makes the agent say; the question has no Message-ID to find it by, but comes through pickup in turn."""
    instance.sendmail("-bv", "-f", sender, "--", recipient)
    queue_id = instance.wait_for_log(r"postfix/pickup\[\d+\]: (\w+): uid=", count=number + 1)[1]
    wait_until(lambda: _lines_of(instance.log(), queue_id), lambda: f"the log of <{recipient}>: {instance.log()[-3000:]}")
    return _lines_of(instance.log(), queue_id)


def _send(client, sender, recipient, options):
    """The queue id, or the first reply that refuses."""
    for reply in (client.mail(sender, *options), client.rcpt(recipient)):
        if reply.code != 250:
            client.rset()
            return None, str(reply)
    reply = client.data(b"Subject: x\n\nx\n")
    return re.search(r"queued as (\w+)", reply.text)[1], None


def _followed(log, queue_id):
    """The same for a message that local(8) may have forwarded as new ones, with the senders of those."""
    lines = []
    for line in _lines_of(log, queue_id):
        forwarded = re.search(r"\(forwarded as (\w+)\)$", line)
        lines.append(re.sub(r"\(forwarded as \w+\)$", "(forwarded)", line))
        if forwarded and forwarded[1] not in line.split("<")[0]:
            sender = re.search(rf": {forwarded[1]}: from=<(.*?)>, size", log)
            lines += [f"> from=<{sender[1] if sender else '?'}>"] + [f"> {each}" for each in _followed(log, forwarded[1])]
    return sorted(set(lines))


def _is_done(log, queue_id):
    """Removed, or put off; and so is what it was forwarded as."""
    ends = re.search(rf": {queue_id}: removed$", log, re.M) or re.search(rf": {queue_id}: to=.*status=deferred", log)
    return ends and all(_is_done(log, new) for new in re.findall(rf": {queue_id}: to=.*forwarded as (\w+)\)$", log, re.M))


def _send_all(instance, scenario):
    with instance.smtp() as client:
        options = ("SMTPUTF8",) if scenario.get("smtputf8") else ()
        sent = {f"<{sender}> <{recipient}>": _send(client, sender, recipient, options) for sender, recipient in scenario["mail"]}
    is_done, lines_of = (_is_done, _followed) if scenario.get("follow") else (_lines_of, _lines_of)
    wait_until(lambda: all(queue_id is None or is_done(instance.log(), queue_id) for queue_id, _ in sent.values()),
               lambda: f"the log of all mail: {instance.log()[-3000:]}")
    log = instance.log()
    return {name: [reply] if queue_id is None else lines_of(log, queue_id) for name, (queue_id, reply) in sent.items()}


def observe(name, make=None, kind="posthaste"):
    scenario = SCENARIOS[name]
    port = str(free_port())
    parameters = {key: value.replace(DEAD, port) for key, value in scenario["parameters"].items()}
    if name in MATRIX:
        parameters = _COMMON | parameters
    instance = make(**parameters) if make else Instance(kind=kind, **parameters)
    instance.configure(**{parameter: f"regexp:{instance.table(parameter, rules.replace('|', chr(10)) + chr(10))}"
                          for parameter, rules in scenario.get("tables", {}).items()})
    try:
        instance.start()
        if name in MATRIX and not scenario.get("verify"):
            return _send_all(instance, scenario)
        expected = 2 if name == "expiry" else 1
        result = {}
        for number, (sender, recipient) in enumerate(scenario["mail"]):
            lines = (_verify(instance, number, sender, recipient) if scenario.get("verify") else
                     _submit(instance, number, sender, recipient, expected))
            result[f"<{sender}> <{recipient}>"] = [line.replace(port, DEAD) for line in lines]
        return result
    finally:
        if not make:
            instance.close()
