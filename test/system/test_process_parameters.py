"""What changes with the parameters that are about processes, directories, the log, and the journal."""
import grp
import os
import pathlib
import pwd
import re
import select
import shutil
import signal
import socket
import stat
import subprocess

import pytest

from support.ports import free_port
from support.smtp_client import Disconnected
from support.waiting import wait_until

BODY = b"Subject: x\r\n\r\nhello\r\n"


@pytest.fixture(scope="module")
def other(make_shared_instance):
    """An instance with many settings that have nothing to do with each other."""
    idle_port = free_port()
    instance = make_shared_instance(
        master=f"127.0.0.1:{idle_port} inet n - n - - smtpd -o {{ max_idle = 1s }}\n"
               "quick unix - - n - - discard -o { daemon_timeout = 2s }\nlogger unix-dgram n - n - 1 postlogd\n"
               "flusher unix n - n - 0 flush\n",
        master_service_disable="postlog.unix-dgram, flush.unix", postlog_service_name="logger",
        flush_service_name="flusher", postlogd_watchdog_timeout="2s", relay_domains="relay.test",
        mail_version="9.8.7", multi_instance_name="second", maillog_file_permissions="0640", trigger_timeout="1s",
        qmgr_ipc_timeout="4s", transport_retry_time="1s", queue_journal_message_limit=2000, queue_journal_reserve=5,
        mynetworks=None, mynetworks_style="subnet",
        transport_maps="inline:{ quick.test=quick:, gone.test=discard:, dead.test=dead: }")
    instance.configure(data_directory=str(instance.directory / "data"),
                       command_directory=str(instance.directory / "commands"))
    instance.idle_port = idle_port
    commands = instance.directory / "commands"
    commands.mkdir()
    for path in pathlib.Path(instance.command_path("postfix")).parent.iterdir():
        (commands / path.name).symlink_to(path)
    (commands / "postqueue").unlink()
    (commands / "postqueue").write_text("#!/bin/sh\necho the other postqueue: $*\n")
    (commands / "postqueue").chmod(0o755)
    return instance.start()


def deliver(instance, recipient, body=BODY):
    with instance.smtp() as client:
        return client.deliver("", recipient, body)


def test_mail_version_and_multi_instance_name_are_in_the_log(other):
    other.wait_for_log(r" second/master\[\d+\]: daemon started -- version 9\.8\.7, ")


def test_data_directory_has_the_lock_of_master(other):
    assert (other.directory / "data/master.lock").exists()


def test_command_directory_is_where_commands_find_each_other(other):
    assert other.run("mailq").stdout == b"the other postqueue: -p\n"


def test_maillog_file_permissions_are_those_of_a_new_file(other):
    other.wait_for_log("daemon started")
    assert stat.S_IMODE(other.maillog.stat().st_mode) == 0o640


def test_postlog_service_name_is_the_service_that_writes_the_log(other):
    wait_until(lambda: other.pids("postlogd"), "postlogd")


def test_flush_service_name_is_the_service_that_etrn_asks(other):
    with other.smtp() as client:
        assert str(client.command("ETRN relay.test")) == "250 Queuing started"


def test_max_idle_ends_a_process_that_has_nothing_to_do(other):
    before = other.pids("smtpd")
    other.smtp(port=other.idle_port).close()
    [server] = set(other.pids("smtpd")) - set(before)
    wait_until(lambda: server not in other.processes(), "the end of the process")


def test_trigger_timeout_ends_a_connection_that_wants_nothing_more(other):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(6)
        client.connect(str(other.queue / "public/pickup"))
        client.sendall(b"W")
        assert client.recv(1) == b""


def test_mynetworks_style_says_who_may_relay(other):
    with other.smtp(source_address="127.0.0.2") as client:
        client.mail("a@example.com")
        assert client.rcpt("a@elsewhere.test").code == 250


def test_qmgr_ipc_timeout_bounds_the_wait_for_an_agent(other):
    """Somebody listens, and never says a word."""
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(other.queue / "private/dead"))
        os.chmod(other.queue / "private/dead", 0o666)
        agent.listen()
        deliver(other, "x@dead.test")
        other.wait_for_log(r"qmgr\[\d+\]: warning: connect to transport private/dead: timed out", timeout=25)


def test_queue_journal_message_limit_decides_what_gets_a_file_of_its_own(other):
    other.kill("qmgr", signal.SIGSTOP)
    try:
        small = deliver(other, "x@gone.test", BODY + b"small\r\n" * 100)
        large = deliver(other, "x@gone.test", BODY + b"large\r\n" * 500)
        files = [path.name for path in (other.queue / "incoming").rglob("*") if path.is_file()]
        assert large in files and small not in files
    finally:
        other.kill("qmgr", signal.SIGCONT)
    for queue_id in (small, large):
        other.wait_for_log(f"{queue_id}: removed")


def test_queue_journal_reserve_is_how_many_segments_stand_ready(other):
    deliver(other, "x@gone.test")
    segments = lambda: [path for path in (other.queue / "journal").iterdir() if path.name.isdigit()]  # noqa: E731
    wait_until(lambda: len(segments()) > 5, lambda: f"more than {segments()}")


def test_a_watchdog_ends_processes_that_stand_still(other):
    """daemon_timeout for most, postlogd_watchdog_timeout for postlogd."""
    other.expect_problem("watchdog timeout|killed by signal 6")
    queue_id = deliver(other, "x@quick.test")
    agent = other.wait_for_log(rf"discard\[(\d+)\]: {queue_id}: to=").group(1)
    standing = [int(agent), *other.pids("postlogd")]
    for pid in standing:
        os.kill(pid, signal.SIGSTOP)
    for pid in standing:
        status = pathlib.Path(f"/proc/{pid}/status")
        wait_until(lambda: int(re.search(r"^ShdPnd:\s*(\w+)$", status.read_text(), re.M).group(1), 16)
                   & 1 << (signal.SIGALRM - 1), "the watchdog's alarm")
    for pid in standing:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: not set(standing) & set(other.processes()), "their end")
    for pid in standing:
        (other.directory / f"sanitizer/report.{pid}").unlink(missing_ok=True)   # of the abort, which is no fault here


def test_sendmail_fix_line_endings_strict_goes_by_the_first_line(make_instance, sink):
    relay = make_instance(relayhost=f"[127.0.0.1]:{sink.port}", sendmail_fix_line_endings="strict").start()
    relay.sendmail("-i", "bob@far.test", stdin=b"Subject: hi\n\nnewline\ncrlf\r\n")
    assert sink.wait_for(1)[0].content.endswith(b"\r\n\r\nnewline\r\ncrlf \r\n")


def test_maillog_file_compressor_gets_the_old_log(make_instance):
    instance = make_instance(maillog_file_rotate_suffix="old")
    compressor = instance.table("squeeze", '#!/bin/sh\nmv "$1" "$1.squeezed"\n')
    compressor.chmod(0o755)
    instance.configure(maillog_file_compressor=str(compressor))
    instance.start().wait_for_log("daemon started")
    instance.run("postfix", "logrotate")
    assert "daemon started" in pathlib.Path(f"{instance.maillog}.old.squeezed").read_text()


@pytest.mark.needs_root
def test_mail_owner_runs_the_services_and_setgid_group_has_maildrop(make_instance):
    instance = make_instance(mail_owner="games", setgid_group="man")
    shutil.chown(instance.directory / "d", "games")
    instance.start()
    games, man = pwd.getpwnam("games").pw_uid, grp.getgrnam("man").gr_gid
    [qmgr] = wait_until(lambda: instance.pids("qmgr"), "the queue manager")
    wait_until(lambda: f"Uid:\t{games}\t" in pathlib.Path(f"/proc/{qmgr}/status").read_text(), "its change of identity")
    assert (instance.queue / "maildrop").stat().st_gid == man


@pytest.mark.needs_mount
def test_syslog_facility_is_in_the_priority_of_each_line(make_instance):
    """In a /dev of its own, with a syslog socket of the test's."""
    instance = make_instance(maillog_file="", syslog_facility="local3")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.settimeout(10)
        syslog.bind(str(instance.directory / "log"))
        (instance.directory / "log").chmod(0o666)
        command = (f"mount -t tmpfs tmpfs /dev && ln -s {instance.directory}/log /dev/log && "
                   f"exec {instance.command_path('postlog')} hello")
        subprocess.run(["unshare", "-m", "sh", "-c", command], env=instance.environment(), check=True,
                       capture_output=True)
        local3, info = 19, 6
        assert syslog.recv(1000).startswith(b"<%d>" % (local3 * 8 + info))


def test_info_log_address_format_is_how_the_log_has_addresses(make_instance):
    instance = make_instance(info_log_address_format="internal", transport_maps="inline:{gone.test=discard:}",
                             header_checks="regexp:{{/^Subject/ WARN seen}}").start()

    def send():
        with instance.smtp() as client:
            client.mail('"s t"@example.com')
            client.rcpt('"no one"@local.test'), client.rcpt('"c d"@gone.test')
            client.data(BODY)
        instance.sendmail("-f", '"p q"@example.com', "x@gone.test", stdin="Subject: x\n\nx\n")

    def wait_for_lines(one, two, three, four):
        instance.wait_for_log(rf"smtpd\[\d+\]: .*: reject: RCPT .* from=<{one}@example\.com> to=<{two}@local\.test> ")
        instance.wait_for_log(rf"cleanup\[\d+\]: .*: warning: header Subject.* from=<{one}@example\.com> to=<{three}@gone\.test>")
        instance.wait_for_log(rf"qmgr\[\d+\]: .*: from=<{one}@example\.com>, size=")
        instance.wait_for_log(rf"discard\[\d+\]: .*: to=<{three}@gone\.test>, ")
        instance.wait_for_log(rf"pickup\[\d+\]: .*: uid=\d+ from=<{four}@example\.com>$")

    send()
    wait_for_lines("s t", "no one", "c d", "p q")
    assert '"@' not in instance.log()
    instance.configure(info_log_address_format="external")
    instance.reload()
    send()
    wait_for_lines('"s t"', '"no one"', '"c d"', '"p q"')


def test_daemon_table_open_error_is_fatal_ends_the_server(make_instance):
    port = free_port()
    restrictions = "{ smtpd_sender_restrictions = check_sender_access hash:/no/such/table }"
    instance = make_instance(
        master=f"127.0.0.1:{port} inet n - n - - smtpd -o {restrictions} -o daemon_table_open_error_is_fatal=yes\n",
        service_options={"smtp/inet": {"smtpd_sender_restrictions": "check_sender_access hash:/no/such/table"}}).start()
    instance.expect_problem(r"fatal: hash:/no/such/table is unavailable\. ")
    with instance.smtp() as client:
        client.mail("a@example.com")
        assert client.rcpt(f"{instance.user}@local.test").code == 451
    instance.wait_for_log(r"smtpd\[\d+\]: warning: hash:/no/such/table is unavailable\. ")
    with pytest.raises((Disconnected, ConnectionError, TimeoutError)):
        instance.smtp(port=port, timeout=3).close()
    instance.wait_for_log(r"smtpd\[\d+\]: fatal: hash:/no/such/table is unavailable\. open ")


def test_debugger_command_runs_before_a_program_with_D(make_instance):
    port = free_port()
    instance = make_instance(master=f"127.0.0.1:{port} inet n - n - - smtpd -D\n")
    instance.configure(debugger_command=f"echo $process_name $process_id >>{instance.directory}/d/debugged")
    instance.start()
    with instance.smtp(port=port):
        debugged = (instance.directory / "d/debugged").read_text().split()
    assert debugged[0] == "smtpd" and int(debugged[1]) in instance.pids("smtpd")
    instance.wait_for_log(rf"smtpd\[{debugged[1]}\]: running: echo smtpd {debugged[1]} >>{instance.directory}/d/debugged$")


def swallowed(instance):
    """How many bytes go to a server that reads nothing."""
    client = instance.smtp()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    client.socket.setblocking(False)
    instance.kill("smtpd", signal.SIGSTOP)
    total = 0
    try:
        while total < 10_000_000 and select.select([], [client.socket], [], 1)[1]:
            total += client.socket.send(b"NOOP\r\n" * 100)
    finally:
        instance.kill("smtpd", signal.SIGCONT)
        client.close()
    return total


def test_tcp_windowsize_bounds_what_is_under_way(make_instance):
    bytes_taken = []
    for size in (0, 4096):
        instance = make_instance(tcp_windowsize=size).start()
        bytes_taken.append(swallowed(instance))
    assert bytes_taken[1] < 30_000 < bytes_taken[0]
