"""kill -9 of each daemon alone while mail flows: the mail system goes on by itself and loses nothing."""
import contextlib
import itertools
import os
import pathlib
import signal
import socket
import subprocess
import time

import pytest

from support.load import Load
from support.smtp_client import Disconnected
from support.waiting import PATIENCE, wait_until

KILLS = 3


class Flow(Load):
    """Small messages for three kinds of recipients, each offered under one token until it is acknowledged."""

    def __init__(self, instance):
        super().__init__(instance)
        self.recipients = [f"{instance.user}@local.test", "bob@far.test", "bob@closed.test"]

    def _run(self, way, number):
        for count in itertools.count():
            if self._stop.is_set():
                return
            token = f"token-{number}-{count}."
            while not self._stop.is_set():
                with contextlib.suppress(OSError, AssertionError, EOFError, Disconnected, subprocess.SubprocessError):
                    if way(token):
                        self.acknowledged.append(token)
                        break
                time.sleep(0.05)
            time.sleep(0.02)

    def _over_smtp(self, token):
        with self.instance.smtp() as client:
            if client.mail(f"{self.instance.user}@local.test").code != 250:
                return False
            if any(client.rcpt(recipient).code != 250 for recipient in self.recipients):
                return False
            return client.data(f"Subject: {token}\r\n\r\n{token}\r\n".encode()).code == 250

    def _through_sendmail(self, token):
        result = self.instance.sendmail("-f", f"{self.instance.user}@local.test", *self.recipients,
                                        stdin=f"Subject: {token}\n\n{token}\n", check=False)
        return result.returncode == 0


@pytest.fixture
def system(make_instance, sink):
    instance = make_instance()
    routes = instance.table("routes", f"far.test smtp:[127.0.0.1]:{sink.port}\nclosed.test smtp:[127.0.0.1]:{sink.port}\n")
    sink.replies["RCPT"] = lambda recipient: "550 5.7.9 closed" if recipient.endswith("closed.test") else None
    # Deferred mail is tried again soon: what a dead agent had is not put off for minutes.
    instance.configure(transport_maps=f"texthash:{routes}", minimal_backoff_time="1s", maximal_backoff_time="2s",
                       queue_run_delay="1s", transport_retry_time="1s", ipc_timeout="20s",
                       smtpd_client_event_limit_exceptions="")     # so that anvil is asked
    instance.expect_problem("killed by signal 9|the Postfix mail system is not running")
    return instance.start()


def children_of_master(instance, name):
    """Without the processes that local starts for its deliveries."""
    def parent(pid):
        with contextlib.suppress(OSError):
            return int(pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        return None

    masters = instance.pids("master")
    return [pid for pid in instance.pids(name) if parent(pid) in masters]


def wake(instance, name):
    """Makes master start a daemon that serves only who asks for it."""
    where = {"cleanup": "public/cleanup", "trivial-rewrite": "private/rewrite"}.get(name)
    if where:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(instance.queue / where))
            wait_until(lambda: instance.pids(name), f"a {name} process")
    elif name == "showq":
        instance.run("postqueue", "-p", check=False)


def check_that_nothing_is_lost(flow, sink):
    """Every acknowledged message reached the mailbox and the peer, and its sender heard of the closed recipient."""
    instance = flow.instance

    def missing():
        mailbox = instance.mailbox()
        sent = b"".join(message.content for message in list(sink.messages))
        return [token for token in flow.acknowledged
                if f"\n{token}\n".encode() not in mailbox or token.encode() not in sent or
                mailbox.count(f"Subject: {token}".encode()) < 2]        # the message and the report, which quotes it

    wait_until(lambda: not missing(), lambda: f"{missing()[:10]} of {len(flow.acknowledged)}; queue:\n"
               f"{instance.run('postqueue', '-p', check=False).stdout.decode()}\nlog:\n{instance.log()[-5000:]}",
               timeout=4 * PATIENCE)
    instance.wait_until_queue_empty()


@pytest.mark.parametrize("name", ["smtpd", "qmgr", "smtp", "local", "bounce", "pickup", "cleanup", "trivial-rewrite",
                                  "showq", "anvil", "postlogd"])
def test_mail_flows_on_when_a_daemon_is_killed(system, sink, name):
    with Flow(system) as flow:
        for _ in range(KILLS):
            flow.wait_for(5)
            wake(system, name)
            pid = wait_until(lambda: children_of_master(system, name), f"a {name} process")[0]
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                system.wait_for_log(rf"postfix/master\[\d+\]: warning: process \S+/{name} pid {pid} killed by signal 9$")
        flow.wait_for(5)
    check_that_nothing_is_lost(flow, sink)
    assert "throttling" not in system.log()


def test_mail_flows_on_when_master_is_killed_and_started_again(system, sink):
    with Flow(system) as flow:
        for _ in range(KILLS):
            flow.wait_for(5)
            system.kill("master")
            # Its lock is released a moment after it has left the list of processes.
            wait_until(lambda: system.run("postfix", "status", check=False).returncode, "the end of master")
            system.start()
        flow.wait_for(5)
    check_that_nothing_is_lost(flow, sink)
    assert len(system.pids("master")) == 1
    # The orphans leave when they have finished: one queue manager, and nobody who serves with an old configuration.
    wait_until(lambda: len(system.pids("qmgr")) == 1 and len(system.pids("postlogd")) <= 1, "the end of the orphans")
