"""postlock(1) and postkick(1): for scripts that work beside the mail system."""
import signal
import subprocess

import pytest

from support.waiting import wait_until


@pytest.fixture
def instance(make_instance):
    return make_instance(deliver_lock_attempts="1")


@pytest.fixture
def mailbox(instance):
    return instance.directory / "mailbox"


def said(result):
    return result.stderr.decode().rstrip("\n")


def test_a_command_runs_while_the_mailbox_is_locked(instance, mailbox):
    script = f"ls {mailbox}.lock; flock -n {mailbox} true && echo free; exit 7"
    result = instance.run("postlock", mailbox, "sh", "-c", script, check=False)
    assert (result.returncode, result.stdout.decode()) == (7, f"{mailbox}.lock\nfree\n")
    assert mailbox.exists() and not mailbox.with_name("mailbox.lock").exists()
    result = instance.run("postlock", "-l", "flock", mailbox, "sh", "-c", script, check=False)
    assert (result.returncode, result.stdout) == (7, b"")


def test_a_mailbox_that_is_locked_is_told(instance, mailbox):
    lock = mailbox.with_name("mailbox.lock")
    lock.touch()
    result = instance.run("postlock", mailbox, "true", check=False)
    assert (result.returncode, said(result)) == (
        75, f"postlock: fatal: open file {mailbox}: unable to create lock file {lock}: File exists")
    assert lock.exists()
    result = instance.run("postlock", "-l", "fcntl", mailbox, instance.command_path("postlock"), "-l", "fcntl", mailbox,
                          "true", check=False)
    assert result.returncode == 75 and "unable to lock for exclusive access" in said(result)


def test_a_lock_ends_with_its_command(instance, mailbox):
    process = subprocess.Popen([instance.command_path("postlock"), mailbox, "sleep", "60"], env=instance.environment())
    lock = mailbox.with_name("mailbox.lock")
    wait_until(lock.exists, "the lock")
    wait_until(lambda: subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, check=False).stdout,
               "the command")
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=30) == 1 and not lock.exists()


def test_what_postlock_cannot_do(instance, mailbox):
    usage = "postlock: fatal: usage: postlock [-c config_dir] [-l lock_style] [-v] folder command..."
    for arguments, status, text in [
            ([mailbox], 75, usage), (["-Z", mailbox, "true"], 75, usage),
            (["-l", "bogus", mailbox, "true"], 75, "bogus"),
            (["/nonexistent/mailbox", "true"], 75, "No such file or directory"),
            ([instance.directory, "true"], 75, f"open file {instance.directory}: cannot open file: Is a directory"),
            ([mailbox, "/nonexistent"], 1, "postlock: fatal: execvp /nonexistent: No such file or directory"),
            ([mailbox, "nosuchcmd"], 1, "postlock: fatal: execvp nosuchcmd: No such file or directory"),
            ([mailbox, "sh", "-c", "kill -9 $$"], 1, "")]:
        result = instance.run("postlock", *arguments, check=False)
        assert result.returncode == status and text in said(result)


def test_postkick_reaches_services(make_instance):
    instance = make_instance(transport_maps="inline:{wait.test=retry:}", smtpd_reject_unlisted_recipient=False).start()
    with instance.smtp() as client:
        queue_id = client.deliver("ann@a.test", "x@wait.test", b"Subject: hi\r\n\r\nhello\r\n")
    wait_until(lambda: list((instance.queue / "deferred").rglob(queue_id)), "a deferred message")
    instance.configure(transport_maps="inline:{wait.test=discard:}")
    instance.reload()
    instance.run("postkick", "public", "pickup", "W")
    instance.run("postkick", "public", "qmgr", "F")
    instance.wait_for_log(rf"{queue_id}: removed")


def test_what_postkick_cannot_do(instance):
    result = instance.run("postkick", "public", check=False)
    assert (result.returncode, said(result)) == (
        1, "postkick: fatal: usage: postkick [-c config_dir] [-v] class service request")
    result = instance.run("postkick", "public", "qmgr", "F", check=False)
    assert (result.returncode, said(result)) == (
        1, "postkick: warning: unable to look up public/qmgr: No such file or directory\n"
           "postkick: warning: Cannot contact class public service qmgr - perhaps the mail system is down")
