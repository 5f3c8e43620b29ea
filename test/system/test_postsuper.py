"""postsuper(1): forced expiry in every queue, the forms of standard input, and directories by name."""
import json
import re
import shutil

import pytest

from support.waiting import wait_until

BODY = b"Subject: hi\r\n\r\nhello\r\n"


def said(result):
    return result.stderr.decode().rstrip("\n")


def listing(instance):
    lines = instance.run("postqueue", "-j").stdout.decode().splitlines()
    return {message["queue_id"]: message for message in map(json.loads, lines)}


@pytest.fixture
def waiting(make_instance):
    return make_instance(transport_maps="inline:{wait.test=retry:}", smtpd_reject_unlisted_recipient=False).start()


@pytest.fixture(params=["running", "stopped"])
def changing(request, waiting):
    """An instance, and a function to be called before postsuper is: running or stopped, all must be the same."""
    return waiting, waiting.stop if request.param == "stopped" else lambda: None


def deferred(instance):
    with instance.smtp() as client:
        queue_id = client.deliver("ann@a.test", "x@wait.test", BODY)
    wait_until(lambda: listing(instance).get(queue_id, {}).get("queue_name") == "deferred", f"{queue_id} deferred")
    return queue_id


def start(instance):
    if not instance.processes():
        instance.start()


def wait_until_returned(instance, queue_id):
    instance.run("postqueue", "-i", queue_id)
    instance.wait_for_log(rf"{queue_id}: from=<ann@a\.test>, status=force-expired, returned to sender")


def test_expired_mail_is_returned_after_the_next_attempt(changing):
    instance, stop = changing
    queue_id = deferred(instance)
    stop()
    assert said(instance.run("postsuper", "-e", queue_id)) == (
        f"postsuper: {queue_id}: expired\npostsuper: Force-expired: 1 message")
    assert listing(instance)[queue_id]["forced_expire"] is True
    assert f"\n{queue_id}# " in instance.run("postqueue", "-p").stdout.decode()
    start(instance)
    wait_until_returned(instance, queue_id)


def test_forced_expiry_outlives_a_restart(waiting):
    queue_id = deferred(waiting)
    waiting.run("postsuper", "-e", "ALL", "deferred")
    waiting.kill_all()
    waiting.start()
    wait_until_returned(waiting, queue_id)


def test_held_mail_that_is_expired_is_returned_when_it_is_released(changing):
    instance, stop = changing
    queue_id = deferred(instance)
    instance.run("postsuper", "-h", queue_id)
    stop()
    assert said(instance.run("postsuper", "-e", queue_id)).endswith("Force-expired: 1 message")
    entry = listing(instance)[queue_id]
    assert (entry["queue_name"], entry["forced_expire"]) == ("hold", True)
    instance.run("postsuper", "-H", queue_id)
    start(instance)
    wait_until_returned(instance, queue_id)


def test_f_releases_and_expires(changing):
    instance, stop = changing
    held, other = deferred(instance), deferred(instance)
    instance.run("postsuper", "-h", held)
    stop()
    assert said(instance.run("postsuper", "-f", "ALL")) == (
        "postsuper: Force-expired: 2 messages\npostsuper: Released from hold: 1 message")
    start(instance)
    wait_until_returned(instance, held)
    wait_until_returned(instance, other)


def test_json_of_postqueue_is_taken_from_standard_input(changing):
    instance, stop = changing
    first, second = deferred(instance), deferred(instance)
    stop()
    lines = [line for line in instance.run("postqueue", "-j").stdout.decode().splitlines() if first in line]
    result = instance.run("postsuper", "-h", "-", stdin="\n".join(lines) + "\n{\"queue_id\": 1}\n")
    assert said(result) == (f'postsuper: warning: invalid mail queue id: {{"queue_id": 1}}\n'
                            f"postsuper: {first}: placed on hold\npostsuper: Placed on hold: 1 message")
    assert listing(instance)[second]["queue_name"] == "deferred"


def test_several_options_and_queues_at_once(changing):
    instance, stop = changing
    first, second, third = deferred(instance), deferred(instance), deferred(instance)
    instance.run("postsuper", "-h", first)
    stop()
    result = instance.run("postsuper", "-s", "-p", "-d", first, "-d", second, "-h", third, "-H", first, "hold", "active")
    assert re.sub(r"postsuper: warning: .*\n", "", said(result)) == (
        f"postsuper: {first}: removed\npostsuper: Deleted: 1 message\npostsuper: Placed on hold: 0 messages\n"
        "postsuper: Released from hold: 0 messages")
    assert set(listing(instance)) == {second, third}


def test_the_usage_names_every_form(waiting):
    result = waiting.run("postsuper", "-Z", check=False)
    assert result.returncode == 1 and said(result).splitlines()[-1].startswith("postsuper: fatal: usage: postsuper [-c ")
    assert said(result).endswith(
        " [queue...] | postsuper [-c config_dir] --export directory | postsuper [-c config_dir] --check-export")


def test_options_are_carried_out_in_the_order_of_the_command_line(waiting):
    first, second = deferred(waiting), deferred(waiting)
    waiting.stop()

    def postsuper(*arguments):
        text = said(waiting.run("postsuper", *arguments))
        return (text.replace("postsuper: ", "").splitlines(),
                [queue_id for queue_id, message in listing(waiting).items() if message["queue_name"] == "hold"])
    both = sorted((first, second))

    def summary(placed, released):
        return [f"Placed on hold: {placed} message{'s' * (placed != 1)}",
                f"Released from hold: {released} message{'s' * (released != 1)}"]
    for arguments, lines, on_hold in [                          # as Debian's says and leaves the queue
            (("-h", "ALL", "-H", "ALL"), summary(2, 2), []),
            (("-H", "ALL", "-h", "ALL"), summary(2, 0), both),
            (("-H", "ALL", "-h", "ALL"), summary(2, 2), both),
            (("-h", "ALL", "-H", first), [f"{first}: released from hold", *summary(0, 1)], [second]),
            (("-H", "ALL", "-h", first), [f"{first}: placed on hold", *summary(1, 1)], [first]),
            (("-h", first, "-H", first), [f"{first}: released from hold", *summary(0, 1)], []),
            (("-f", "ALL", "-h", "ALL"), ["Force-expired: 2 messages", *summary(2, 0)], both),
            (("-h", "ALL", "-d", "ALL"), ["Deleted: 2 messages", "Placed on hold: 0 messages"], [])]:
        said_lines, held = postsuper(*arguments)
        assert (said_lines, sorted(held)) == (lines, on_hold), arguments


def test_structure_of_named_directories(waiting):
    queue_id = deferred(waiting)
    waiting.stop()
    deferred_file, = (waiting.queue / "deferred").rglob(queue_id)
    log_file, = (waiting.queue / "defer").rglob(queue_id)
    shutil.move(deferred_file, waiting.queue / "deferred" / queue_id)
    shutil.move(log_file, waiting.queue / "defer" / queue_id)
    waiting.run("postsuper", "-s", "defer")
    assert log_file.exists() and not deferred_file.exists()
    waiting.run("postsuper")
    assert deferred_file.exists()
    waiting.configure(hash_queue_names="defer")
    waiting.run("postsuper", "-s")
    assert not deferred_file.parent.exists() and (waiting.queue / "deferred" / queue_id).exists()
    result = waiting.run("postsuper", "-d", "ALL", "bounce", check=False)
    assert (result.returncode, said(result)) == (1, "postsuper: fatal: there are no messages in bounce")
