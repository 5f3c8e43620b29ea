"""What becomes of addresses: envelope, headers and original recipients of mail that has passed one configuration.

observe(name) sends every message of a scenario over one SMTP connection through one instance, whose mail all goes to
one sink, and gives {name of the message: what came out}. The answers of Debian's Postfix are in rewriting.json;
`tools/compat-record rewriting` makes that file anew.
"""
import pathlib
import re

from rewriting_mail import SCENARIOS

from support import Instance, Sink
from support.waiting import wait_until

RECORD = pathlib.Path(__file__).resolve().parent / "rewriting.json"

# Everything is delivered to the sink, in one transaction a message, and nobody's recipients are checked.
_COMMON = {
    "virtual_mailbox_domains": "", "local_recipient_maps": "", "smtpd_reject_unlisted_recipient": "no",
    "recipient_delimiter": "+", "smtpd_recipient_limit": "100", "smtpd_error_sleep_time": "0",
    "append_dot_mydomain": "yes", "smtpd_junk_command_limit": "1000", "smtpd_hard_error_limit": "1000",
    "smtpd_soft_error_limit": "1000",
}


def _without_layout(header):
    """Logical headers on one line each, white space between words as one blank; those with a time or id left out."""
    unfolded = re.sub(r"\r?\n(?=[ \t])", "", header)
    lines = [re.sub(r" ?([,;]) ?", r"\1 ", re.sub(r"[ \t]+", " ", line)).strip() for line in unfolded.splitlines()]
    lines = [re.sub(r"^([!-9;-~]+) ?: ?", r"\1: ", line) for line in lines]
    return [line for line in lines if not re.match(r"(Received|Date|Message-Id|Resent-Date|Resent-Message-Id|X-N):", line, re.I)]


def _recipients(message):
    """RCPT commands with their options, in alphabetical order: who shares a transaction is not told by rewriting."""
    return sorted(message.recipients), sorted(message.rcpt_options)


def _original_recipients(log, queue_id):
    pairs = re.findall(rf": {queue_id}: to=<(.*?)>,(?: orig_to=<(.*?)>,)? relay=", log)
    return sorted(f"{to} from {original}" if original else to for to, original in pairs)


def _send(client, number, mail):
    """Replies that are no success, and the queue id where the message was accepted."""
    replies = [client.mail(mail.get("from", "s@out.test"), *mail.get("options", ()))]
    for recipient in mail.get("to", ["r@out.test"]):
        address, *options = recipient.split(" ")
        replies.append(client.rcpt(address.replace("%20", " "), *options))
    if any(reply.code == 250 for reply in replies[1:]):
        header = mail.get("header", "From: s@out.test\nTo: r@out.test")
        replies.append(client.data(f"X-N: {number}\n{header}\n\ntext\n".encode()))
    client.rset()
    accepted = re.search(r"queued as (\w+)", replies[-1].text)
    return [str(reply) for reply in replies if reply.code != 250], accepted[1] if accepted else None


def _submit(instance, number, mail):
    """The same by sendmail(1); the queue id is found in the log."""
    header = mail.get("header", "From: s@out.test\nTo: r@out.test")
    instance.sendmail("-f", mail.get("from", "s@out.test"), *mail["sendmail"], "--", *mail.get("to", ["r@out.test"]),
                      stdin=f"X-N: {number}\nMessage-Id: <{number}@probe.test>\n{header}\n\ntext\n")
    return instance.wait_for_log(rf": (\w+): message-id=<{number}@probe.test>")[1]


def _numbered(messages):
    """{number: message}, without notifications, which have the number in what they return."""
    found = [(re.search(rb"^X-N: (\d+)", message.content.split(b"\r\n\r\n")[0], re.M), message) for message in messages]
    return {int(number[1]): message for number, message in found if number}


def _outcome(message, replies, log, queue_id):
    outcome = {"replies": replies} if replies else {}
    if message is not None:
        recipients, options = _recipients(message)
        outcome |= {"from": message.sender, "to": recipients, "options": options,
                    "log": _original_recipients(log, queue_id),
                    "header": _without_layout(message.content.split(b"\r\n\r\n")[0].decode("latin-1"))}
    return outcome


def observe(name, make=None, kind="posthaste"):
    scenario = SCENARIOS[name]
    with Sink(smtputf8=scenario.get("utf8", False)) as sink:
        hop = f"smtp:[127.0.0.1]:{sink.port}"
        parameters = _COMMON | {"default_transport": hop, "local_transport": hop, "relay_transport": hop,
                                **scenario["parameters"]}
        instance = make(**parameters) if make else Instance(kind=kind, **parameters)
        try:
            instance.start()
            queued = {}
            with instance.smtp() as client:
                for number, mail in enumerate(scenario["mail"]):
                    if "sendmail" in mail:
                        queued[number] = [], _submit(instance, number, mail)
                    else:
                        queued[number] = _send(client, number, mail)
            ids = [queue_id for _, queue_id in queued.values() if queue_id]
            wait_until(lambda: all(re.search(rf": {queue_id}: removed", instance.log()) for queue_id in ids),
                       lambda: f"the end of {ids}: {instance.log()[-6000:]}")
            messages, log = _numbered(sink.messages), instance.log()
            return {mail["name"]: _outcome(messages.get(number), *(lambda r, i: (r, log, i))(*queued[number]))
                    for number, mail in enumerate(scenario["mail"])}
        finally:
            if not make:
                instance.close()
