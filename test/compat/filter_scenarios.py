"""What content inspection does: the reply to the message, the lines in the log, where the message is afterwards.

observe(name) sends every message of a scenario over one SMTP connection through one instance, whose mail all goes to
one sink, and gives {name of the message: what became of it}. The answers of Debian's Postfix are in filter.json;
`tools/compat-record filter` makes that file anew.
"""
import pathlib
import re

from filter_mail import SCENARIOS
from normalise import normalise

from support import Instance, Sink
from support.waiting import wait_until

RECORD = pathlib.Path(__file__).resolve().parent / "filter.json"

_COMMON = {
    "virtual_mailbox_domains": "", "local_recipient_maps": "", "smtpd_reject_unlisted_recipient": "no",
    "smtpd_error_sleep_time": "0", "smtpd_junk_command_limit": "10000", "smtpd_hard_error_limit": "10000",
    "smtpd_soft_error_limit": "10000", "always_add_missing_headers": "yes", "disable_dns_lookups": "yes",
    "in_flow_delay": "0", "smtp_connection_cache_on_demand": "no",
}
# Lines that say how a message was inspected: of cleanup(8), or of the program that delivers it.
_OF_INTEREST = re.compile(r"(?m)^.*?\b(postfix/(?:cleanup|smtp|smtpd|discard))\[\d+\]: (.*)$")
_NOT_OF_INTEREST = re.compile(r"message-id=|client=|\bconnect from|statistics|milter-reject")


def _send(client, mail):
    """Replies that are no success, and the queue id where the message was accepted."""
    replies = [client.mail("s@out.test")]
    for recipient in mail.get("to", ["r@out.test"]):
        replies.append(client.rcpt(recipient))
    replies.append(client.data(mail["content"].encode("latin-1")))
    client.rset()
    accepted = re.search(r"queued as (\w+)", replies[-1].text)
    return [normalise(str(reply)) for reply in replies if reply.code != 250], accepted[1] if accepted else None


def _submit(instance, mail):
    """The same by sendmail(1); the queue id is found in the log."""
    begin = len(instance.log())
    instance.sendmail("-f", "s@out.test", "--", *mail.get("to", ["r@out.test"]), stdin=mail["content"].encode("latin-1"))
    wait_until(lambda: re.search(r"pickup\[\d+\]: \w+: uid=", instance.log()[begin:]), lambda: instance.log()[begin:])
    return [], re.search(r"pickup\[\d+\]: (\w+): uid=", instance.log()[begin:])[1]


def _lines(text):
    """What the log of one message says."""
    lines = []
    for program, line in _OF_INTEREST.findall(text):
        if _NOT_OF_INTEREST.search(line):
            continue
        line = re.sub(r"\b(id |[^\w<]|^)[0-9A-F]{9,15}\b", r"\1QUEUEID", line)
        line = re.sub(r"delay=.*?, dsn=", "dsn=", line)
        line = re.sub(r"conn_use=\d+, ", "", line)
        line = re.sub(r"\(250 .*\)$", "(OK)", line)
        lines.append(f"{program} {normalise(line)}")
    deliveries = [line for line in lines if " QUEUEID: to=<" in line]  # their order is nobody's promise
    return [line for line in lines if line not in deliveries] + sorted(deliveries)


def _without_times(content):
    """The message as it was delivered, without what is new in each."""
    header, separator, body = content.decode("latin-1").replace("\r\n", "\n").partition("\n\n")
    header = re.sub(r"(?ms)^Received: (?:from client\.test|by mail\.local\.test).*?(?=^\S)", "Received: OURS\n", header + "\n\n")[:-1]
    header = re.sub(r"(?m)^(Date|Message-Id): .*", r"\1: X", header)
    return header.rstrip("\n") + separator + body


def _held(instance, queue_id):
    return any(path.name == queue_id for path in (pathlib.Path(instance.directory) / "q" / "hold").rglob("*"))


def _outcome(instance, message, replies, log, queue_id):
    outcome = {"replies": replies} if replies else {}
    outcome["log"] = _lines(log)
    if queue_id and _held(instance, queue_id):
        outcome["held"] = True
    if message is not None:
        outcome |= {"to": sorted(message.recipients), "options": sorted(message.rcpt_options),
                    "content": _without_times(message.content)}
    return outcome


def observe(name, make=None, kind="posthaste"):
    scenario = SCENARIOS[name]
    with Sink() as sink:
        hop = f"smtp:[127.0.0.1]:{sink.port}"
        parameters = _COMMON | {"default_transport": hop, "local_transport": hop, "relay_transport": hop,
                                **scenario["parameters"]}
        instance = make(**parameters) if make else Instance(kind=kind, **parameters)
        try:
            instance.start()
            outcomes = {}
            with instance.smtp() as client:
                for mail in scenario["mail"]:
                    sink.messages.clear()
                    begin = len(instance.log())
                    replies, queue_id = _submit(instance, mail) if mail.get("sendmail") else _send(client, mail)
                    if queue_id:
                        wait_until(lambda: re.search(rf": {queue_id}: (removed|.*status=deferred|discard: header|discard: body|reject: header|reject: body)", instance.log())
                                   or "discard: RCPT" in instance.log()[begin:]
                                   or (": hold: " in instance.log()[begin:] and _held(instance, queue_id)),  # the log may come later
                                   lambda: f"the end of {mail['name']} {queue_id}: {instance.log()[begin:]}")
                    else:  # the reply may be ahead of the log
                        wait_until(lambda: re.search("reject: |warning: ", instance.log()[begin:]),
                                   lambda: f"why {mail['name']} was refused: {instance.log()[begin:]}")
                    messages = [m for m in sink.messages if m.sender == "s@out.test"]
                    outcomes[mail["name"]] = _outcome(instance, messages[0] if messages else None, replies,
                                                      instance.log()[begin:], queue_id)
            return outcomes
        finally:
            if not make:
                instance.close()
