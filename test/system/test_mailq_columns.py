"""mailq with short and long queue ids beside each other: the same columns as Postfix's, in both formats."""
import json
import time

import pytest

from support.waiting import wait_until

REASON = "(host 127.0.0.1[127.0.0.1] said: 450 4.2.0 later (in reply to RCPT TO command))"
HEADERS = {False: "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------",
           True: "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------"}


def lines_of(message, flag, wide):
    """What mailq prints of a message that postqueue -j describes."""
    arrival = time.strftime("%a %b %e %H:%M:%S", time.localtime(message["arrival_time"]))
    first = f"{message['queue_id'] + flag:<{17 if wide else 11}}{message['message_size']:>{9 if wide else 8}} {arrival}" \
            f"{' ' if wide else '  '}{message['sender']}"
    recipients = [" " * (47 if wide else 41) + recipient["address"] for recipient in message["recipients"]]
    return "\n".join([first, REASON, *recipients])


def check(instance, flags, wide):
    """flags: by sender, what stands behind the queue id."""
    listed = instance.run("mailq").stdout.decode()
    header, *blocks, last = listed.replace(HEADERS[wide] + "\n", HEADERS[wide] + "\n\n").split("\n\n")
    messages = [json.loads(line) for line in instance.run("postqueue", "-j").stdout.splitlines()]
    assert header == HEADERS[wide]
    assert sorted(blocks) == sorted(lines_of(message, flags[message["sender"]], wide) for message in messages), listed
    total = sum(message["message_size"] for message in messages)
    assert last == f"-- {total // 1024} Kbytes in {len(messages)} Requests.\n"


@pytest.mark.parametrize("kind", ["posthaste", pytest.param("postfix", marks=pytest.mark.needs_root)])
def test_short_and_long_queue_ids(make_instance, sink, kind):
    sink.replies["RCPT"] = "450 4.2.0 later"
    system = make_instance(kind=kind, relayhost=f"[127.0.0.1]:{sink.port}", minimal_backoff_time="1000s").start()

    def send(sender, size, *recipients):
        with system.smtp() as client:
            queue_id = client.deliver(sender, recipients, b"Subject: s\r\n\r\n" + (b"x" * 70 + b"\r\n") * size)
        wait_until(lambda: any(message["queue_id"] == queue_id and message["queue_name"] == "deferred" for message in
                               map(json.loads, system.run("postqueue", "-j").stdout.splitlines())), queue_id)
        return queue_id

    short, held = send("short@near.test", 2, "bob@far.test"), send("held@near.test", 20, "a@far.test", "b@far.test")
    check(system, {"short@near.test": "", "held@near.test": ""}, wide=False)
    system.configure(enable_long_queue_ids=True)
    system.reload()
    # Postfix's reload returns before all of its processes have the new setting.
    wait_until(lambda: len(probe := send("long@near.test", 3000, "bob@far.test")) > 13 or
               system.run("postsuper", "-d", probe).returncode, "a long queue id")
    wait_until(lambda: system.run("mailq").stdout.decode().startswith(HEADERS[True]), "the wide format")
    flags = {"short@near.test": "", "held@near.test": "", "long@near.test": ""}
    check(system, flags, wide=True)
    if kind == "postfix":       # its postsuper writes to the log as mail_owner
        system.maillog.chmod(0o666)
    system.run("postsuper", "-h", held)
    system.run("postsuper", "-e", short)
    flags |= {"held@near.test": "!", "short@near.test": "#"}
    check(system, flags, wide=True)
    system.configure(enable_long_queue_ids=False)
    system.stop()
    if kind == "posthaste":     # Postfix gives all its files short names again
        check(system, flags, wide=False)
