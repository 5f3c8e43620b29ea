"""How local(8) delivers to a mailbox that others want, too, and what becomes of mail whose delivering process dies."""
import contextlib
import os
import pathlib
import signal

from support.configuration import local_user
from support.local_lists import LocalLists
from support.waiting import wait_until


def who_has_open(path, pids):
    """Those of the processes that have opened this file."""
    found = []
    for pid in pids:
        with contextlib.suppress(OSError):          # it has just ended
            if str(path) in [os.readlink(link) for link in pathlib.Path(f"/proc/{pid}/fd").iterdir()]:
                found.append(pid)
    return found


def test_deliveries_to_one_mbox_take_turns(make_instance):
    """Nobody finds the mailbox locked by another delivery of the same process: none is put off by the only attempt."""
    instance = make_instance(deliver_lock_attempts=1, deliver_lock_delay="60s", local_destination_concurrency_limit=20)
    instance.start()
    with instance.smtp() as client:
        for _ in range(40):
            client.deliver("s@example.com", f"{local_user()}@local.test", b"Subject: mail\r\n\r\nx\r\n")
    wait_until(lambda: instance.log().count("status=") >= 40, "an outcome for every message")
    assert instance.log().count("status=sent (delivered to mailbox)") == 40
    assert instance.mailbox().count(b"Subject: mail") == 40


def test_delivery_whose_process_is_killed_is_tried_again_and_the_others_are_not_repeated(make_instance):
    instance = make_instance(deliver_lock_attempts=1000)
    local = LocalLists(instance, "command: {command}\n", {})
    mailbox = instance.mailbox_path()
    lock = pathlib.Path(f"{mailbox}.lock")
    lock.touch()                    # the mailbox is being used
    with instance.smtp() as client:
        queue_id = client.deliver("s@example.com", [f"{name}@local.test" for name in (local_user(), "command")],
                                  b"Subject: mail\r\n\r\nx\r\n")
    instance.wait_for_log(rf"{queue_id}: to=<command@local\.test>.*status=sent")
    waiting = wait_until(lambda: who_has_open(mailbox, instance.pids("local")), "a delivery that waits for the lock")
    os.kill(waiting[0], signal.SIGKILL)
    instance.wait_for_log(rf"{queue_id}: to=<{local_user()}@.*status=deferred \(the delivery process died\)")
    assert not instance.mailbox()
    lock.unlink()

    def removed():
        instance.run("postqueue", "-f")
        return f"{queue_id}: removed" in instance.log()

    wait_until(removed, instance.log, interval=0.5)
    assert instance.mailbox().count(b"Subject: mail") == 1
    assert len(local.ran_as()) == 1
