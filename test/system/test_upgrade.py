"""Programs of two releases side by side, as a package upgrade under load brings them about: nothing that was
acknowledged is missing. Who meets a process that speaks another version says so and tries again later."""
import os
import socket
import subprocess
import threading

import pytest

from support.fixtures import close_checked
from support.ipc import IpcClient
from support.load import Load
from support.paths import BUILD
from support.ports import free_port
from support.programs import ForeignService, ReplaceableInstance
from support.waiting import wait_until

QUICK = {"minimal_backoff_time": "1s", "maximal_backoff_time": "2s", "queue_run_delay": "1s",
         "transport_retry_time": "1s", "smtpd_client_connection_count_limit": 0}


class LedgerLoad:
    """smtp-source through the instance into smtp-sink, both with ledgers. The source is started again when it ends with
    a broken connection or a 421."""

    def __init__(self, instance, sink_port):
        self.instance = instance
        self.source_ledger, self.sink_ledger = instance.directory / "source-ledger", instance.directory / "sink-ledger"
        account = ["-u", "root"] if os.getuid() == 0 else []
        self._sink = subprocess.Popen([BUILD / "sbin/smtp-sink", *account, "--ledger", self.sink_ledger,
                                       f"inet:127.0.0.1:{sink_port}", "100"], stderr=subprocess.DEVNULL)
        instance.wait_until_listening(sink_port)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while not self._stop.is_set():
            source = subprocess.Popen(
                [BUILD / "sbin/smtp-source", "-A", "-s", "4", "-m", "100", "-l", "2000", "-f", "ann@near.test", "-t",
                 "bob@bulk.test", "--ledger", self.source_ledger, f"127.0.0.1:{self.instance.smtp_port}"],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                source.wait(120)
            finally:
                source.kill()
                source.wait()
            self._stop.wait(0.1)

    def stop_source(self):
        self._stop.set()
        self._thread.join()

    def check(self):
        """Waits until the sink has all that the source was promised; how much that is."""
        def compared():
            result = subprocess.run([BUILD / "sbin/smtp-sink", "--check", self.source_ledger, self.sink_ledger],
                                    capture_output=True, text=True, check=False, timeout=60)
            return result.stdout
        wait_until(lambda: ", 0 missing," in compared(), lambda: f"{compared()[-2000:]}; {self.instance.log()[-4000:]}", 120,
                   interval=0.2)
        return int(compared().split(" deliveries acknowledged")[0].splitlines()[-1])

    def close(self):
        self.stop_source()
        self._sink.terminate()
        self._sink.wait()


@pytest.fixture
def make_replaceable(dns_server):
    made = []

    def make(**parameters):
        made.append(ReplaceableInstance(dns_port=dns_server.port, **QUICK, **parameters))
        return made[-1]

    yield make
    close_checked(made)


def test_programs_are_replaced_under_load(make_replaceable, sink):
    bulk = free_port()
    system = make_replaceable(transport_maps=f"inline:{{{{bulk.test=smtp:[127.0.0.1]:{bulk}}}}}",
                              relayhost=f"[127.0.0.1]:{sink.port}")
    system.expect_problem("killed by signal 9|the Postfix mail system is not running")
    new = system.copy_of_programs()
    system.start()
    ledgers = LedgerLoad(system, bulk)
    try:
        with Load(system) as load:
            load.wait_for(15)
            system.replace(new)
            load.wait_for(15)
            for name in ("smtp", "smtpd", "pickup"):    # the first that end are followed by new ones
                wait_until(lambda: system.pids(name), f"a {name} process")
                system.kill(name)
                wait_until(lambda: system.origins(name) == {new}, f"a {name} of the new programs")
            assert system.origins("qmgr") == system.origins("master") == {BUILD}
            load.wait_for(15)                           # new agents and receivers, the old queue manager
            system.reload()
            load.wait_for(15)
            system.kill("qmgr")                         # the new queue manager, the old master
            wait_until(lambda: system.origins("qmgr") == {new}, "the new queue manager")
            load.wait_for(15)
            system.stop()
            system.start()
            wait_until(lambda: system.origins("master") == system.origins("qmgr") == {new}, "the new master and its qmgr")
            load.wait_for(15)
            system.replace(BUILD)                       # and back
            system.reload()
            wait_until(lambda: system.origins("smtpd") == {BUILD}, "the old programs again")
            load.wait_for(15)
        ledgers.stop_source()
        load.wait_until_arrived(sink)
        assert ledgers.check() > 50
    finally:
        ledgers.close()
    system.wait_until_queue_empty()


def test_programs_are_missing_for_a_moment(make_replaceable, sink):
    """What a package manager does that removes before it installs. Postfix's master, too, tries again after a while."""
    system = make_replaceable(relayhost=f"[127.0.0.1]:{sink.port}", service_throttle_time="1s")
    system.expect_problem("killed by signal 9|cannot start .*No such file|bad command startup")
    system.start()
    with Load(system, sendmail=False) as load:
        load.wait_for(10)
        system.replace(system.directory / "nowhere")
        system.kill("smtp")
        system.wait_for_log(r"master\[\d+\]: warning: .*/smtp: bad command startup -- throttling")
        load.wait_for(10)                               # the receivers still run
        system.replace(BUILD)
        load.wait_for(10)
    load.wait_until_arrived(sink)
    system.wait_until_queue_empty()


@pytest.mark.parametrize("protocol, version, says", [
    ("posthaste_bounce", 0, r'peer speaks protocol "posthaste_bounce" version 0, expected "posthaste_bounce" version 1'),
    ("posthaste_bounce", 99, None),     # the newer of the two decides: here it hangs up
    ("somebody_else", 1, r'peer speaks protocol "somebody_else" version 1, expected "posthaste_bounce" version 1'),
])
def test_a_bounce_service_of_another_release(make_replaceable, sink, protocol, version, says):
    """No report can be promised: the recipient is put off, and gets its report when the services understand each other."""
    system = make_replaceable(relayhost=f"[127.0.0.1]:{sink.port}", bounce_service_name="other").start()
    sink.replies["RCPT"] = lambda recipient: "550 5.1.1 no" if recipient.startswith("never") else None
    with ForeignService(system.queue / "private" / "other", protocol, version) as service:
        with system.smtp() as client:
            queue_id = client.deliver("ann@near.test", ["never@far.test", "bob@far.test"], b"Subject: s\r\n\r\nhello\r\n")
        wait_until(lambda: service.clients >= 2, lambda: f"two tries; {system.log()[-3000:]}")
        system.wait_for_log(rf"{queue_id}: to=<never@far.test>.*status=deferred")
        assert says is None or system.wait_for_log(says)
        sink.wait_for(1)
    system.stop()
    system.configure(bounce_service_name="bounce")
    system.start()
    sink.wait_for(2)
    system.wait_until_queue_empty()
    assert [(message.sender, message.recipients) for message in sink.messages] == \
        [("ann@near.test", ("bob@far.test",)), ("<>", ("ann@near.test",))]


@pytest.mark.parametrize("protocol, version, says", [
    ("posthaste_delivery", 0, r'peer speaks protocol "posthaste_delivery" version 0, expected'),
    ("posthaste_delivery", 99, None),
    ("somebody_else", 1, r'peer speaks protocol "somebody_else" version 1, expected'),
])
def test_a_delivery_agent_of_another_release(make_replaceable, sink, protocol, version, says):
    """Mail waits, without a storm of connections, until an agent is there that can be spoken with."""
    system = make_replaceable(relayhost=f"[127.0.0.1]:{sink.port}",
                              transport_maps="inline:{{far.test=other}}").start()
    with ForeignService(system.queue / "private" / "other", protocol, version) as service:
        with system.smtp() as client:
            client.deliver("ann@near.test", "bob@far.test", b"Subject: s\r\n\r\nhello\r\n")
        wait_until(lambda: service.clients >= 2, lambda: f"two tries; {system.log()[-3000:]}")
        assert says is None or system.wait_for_log(says)
        assert not sink.messages and "status=bounced" not in system.log()
    system.configure(transport_maps="")
    system.reload()
    sink.wait_for(1)
    system.wait_until_queue_empty()


@pytest.mark.parametrize("place", ["public/qmgr", "private/bounce", "private/smtp"])
def test_a_client_of_another_release(make_replaceable, sink, place):
    """It is told our version and gets nothing else; everybody else is served as ever."""
    system = make_replaceable(relayhost=f"[127.0.0.1]:{sink.port}").start()
    protocol = {"public/qmgr": "posthaste_queue_control", "private/bounce": "posthaste_bounce",
                "private/smtp": "posthaste_delivery"}[place]
    for name, version in ((protocol, 0), ("somebody_else", 1)):
        refused = IpcClient(system.queue / place, name, version, answer=protocol)
        with refused, pytest.raises(AssertionError, match="connection closed"):
            refused.receive()
    system.wait_for_log(rf'peer speaks protocol "{protocol}" version 0, expected "{protocol}" version 1')
    system.wait_for_log(rf'peer speaks protocol "somebody_else" version 1, expected "{protocol}" version 1')
    with socket.socket(socket.AF_UNIX) as noise:
        noise.connect(str(system.queue / place))
        noise.sendall(b"GET / HTTP/1.0\r\n\r\n")
    with IpcClient(system.queue / place, protocol, 99):         # the newer one decides
        with system.smtp() as client:
            client.deliver("ann@near.test", "bob@far.test", b"Subject: s\r\n\r\nhello\r\n")
        sink.wait_for(1)
    system.wait_until_queue_empty()
