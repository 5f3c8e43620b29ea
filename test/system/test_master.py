"""master and postfix(1): start, stop, status, reload, restarts, throttling, wake-ups, limits."""
import concurrent.futures
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import threading
import time

import pytest

from support.instance import processes_of
from support.ports import free_port
from support.source import source
from support.waiting import wait_until


def greeting(port, timeout=20):
    """The first bytes that a server on this port says."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as client:
        return client.recv(200)


def postfix(instance, command, check=True):
    result = instance.run("postfix", command, check=check)
    return result.returncode, result.stderr.decode()


@pytest.fixture
def quiet(make_instance):
    """Makes an instance whose only network server is discard, which needs nobody else."""
    def make(master="", **parameters):
        port = free_port()
        instance = make_instance(master=f"127.0.0.1:{port} inet n - n - - discard\n{master}", **parameters)
        instance.discard_port = port
        return instance
    return make


def test_status_start_and_stop_say_what_they_do(quiet):
    instance = quiet()
    code, text = postfix(instance, "status", check=False)
    assert (code, text) == (1, "postfix/postfix-script: the Postfix mail system is not running\n")
    code, text = postfix(instance, "start")
    assert text.endswith("postfix/postfix-script: starting the Postfix mail system\n")
    master = int((instance.queue / "pid" / "master.pid").read_text())
    assert postfix(instance, "status") == (
        0, f"postfix/postfix-script: the Postfix mail system is running: PID: {master}\n")
    assert greeting(instance.discard_port)
    code, text = postfix(instance, "stop")
    assert text == "postfix/postfix-script: stopping the Postfix mail system\n"
    wait_until(lambda: not instance.processes(), "the end of all processes")
    assert postfix(instance, "stop", check=False) == (
        1, "postfix/postfix-script: fatal: the Postfix mail system is not running\n")
    instance.expect_problem("not running")
    log = instance.log()
    assert " postfix/postfix-script[" in log and ": starting the Postfix mail system\n" in log
    assert f"postfix/master[{master}]: daemon started -- version " in log
    assert f", configuration {instance.config}\n" in log
    assert f"postfix/master[{master}]: terminating on signal 15\n" in log


@pytest.mark.skipif(os.getuid() != 0, reason="another user than the owner is needed")
@pytest.mark.parametrize("command", ["start", "stop", "check", "reload", "status"])
def test_who_may_not_tell_is_told_who_may(quiet, command):
    instance = quiet().start()
    result = instance.run("postfix", command, check=False, user=pwd.getpwnam(instance.user).pw_uid)
    assert result.returncode == 1
    assert result.stderr.decode() == f"postfix/postfix-script: fatal: cannot tell if the mail system is running: open " \
        f"{instance.queue}/pid/master.pid: Permission denied; run it as root\n"
    instance.expect_problem("cannot tell if the mail system is running")


def test_a_second_start_is_refused(quiet):
    instance = quiet().start()
    pid_file = (instance.queue / "pid" / "master.pid").read_text()
    code, text = postfix(instance, "start", check=False)
    assert (code, text) == (1, "postfix/postfix-script: fatal: the Postfix mail system is already running\n")
    assert (instance.queue / "pid" / "master.pid").read_text() == pid_file
    instance.expect_problem("already running")


def test_flush_of_a_stopped_mail_system_ends_as_in_postfix(quiet):
    result = quiet().run("postfix", "flush", check=False)
    assert (result.returncode, result.stderr) == (69, b"postqueue: fatal: Cannot flush mail queue - mail system is down\n")


def test_a_stale_pid_file_does_not_prevent_the_start(quiet):
    instance = quiet().start()
    instance.stop()
    (instance.queue / "pid" / "master.pid").write_text(f"{os.getpid()}\n")
    assert "not running" in postfix(instance, "status", check=False)[1]
    instance.start()
    assert greeting(instance.discard_port)


def test_a_killed_master_can_be_started_again_at_once(quiet):
    instance = quiet().start()
    assert greeting(instance.discard_port)
    instance.kill("master")
    wait_until(lambda: not instance.pids("master"), "the end of master")
    instance.start()
    assert greeting(instance.discard_port)


def test_children_leave_when_master_is_killed(quiet):
    instance = quiet().start()
    assert greeting(instance.discard_port)
    instance.kill("master")
    wait_until(lambda: not instance.processes(), "the end of the orphans")


def test_reload_takes_effect_for_the_next_client(quiet):
    instance = quiet().start()
    second = free_port()
    greeting(instance.discard_port)
    before = set(instance.pids("discard"))
    instance.master += f"127.0.0.1:{second} inet n - n - - discard\n"
    instance.write_configuration()
    instance.reload()
    assert greeting(second)
    assert greeting(instance.discard_port)
    assert not before & set(instance.pids("discard")) or wait_until(
        lambda: not before & set(instance.pids("discard")), "the end of the old process")
    assert "refreshing the Postfix mail system" in instance.log()
    instance.wait_for_log(r"reload -- version ")


def test_a_removed_service_closes_its_socket(quiet):
    instance = quiet().start()
    assert greeting(instance.discard_port)
    instance.master = ""
    instance.write_configuration()
    instance.reload()
    with pytest.raises(ConnectionRefusedError):
        greeting(instance.discard_port)


def test_a_client_under_way_is_not_cut_off_by_reload(quiet):
    instance = quiet().start()
    with socket.create_connection(("127.0.0.1", instance.discard_port), timeout=20) as client:
        assert client.recv(200)
        instance.reload()
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(1)


@pytest.mark.parametrize("reuse", [True, False])
def test_reload_under_load_refuses_nobody_and_delivers_once(make_instance, reuse):
    instance = make_instance(transport_maps="static:discard:").start()
    reloads = sent = 0
    with concurrent.futures.ThreadPoolExecutor() as pool:
        while reloads < 3:
            sending = pool.submit(source, instance.smtp_port, messages=1500, recipient="b@example.test", reuse=reuse)
            sent += 1500
            while not sending.done():
                instance.reload()
                reloads += 1
                time.sleep(0.1)
            sending.result()  # smtp-source fails at the first refusal
    instance.wait_for_log("status=sent", count=sent)
    instance.wait_until_queue_empty()
    assert instance.log().count("status=sent") == sent


def test_a_storm_of_reloads_loses_nothing_and_leaves_nobody_behind(make_instance, sink):
    """Mail in and out, by clients of all kinds, with old and new processes side by side."""
    rounds, messages = 8, 300
    instance = make_instance(transport_maps=f"inline:{{{{far.test=smtp:[127.0.0.1]:{sink.port}}}}}").start()
    with concurrent.futures.ThreadPoolExecutor() as pool:
        sending = [pool.submit(source, instance.smtp_port, messages=messages, sessions=5,
                               recipient=recipient, reuse=reuse)
                   for recipient in (f"{instance.user}@local.test", "bob@far.test") for reuse in (True, False)]
        reloads = 0
        while reloads < rounds or not all(each.done() for each in sending):
            instance.reload()
            reloads += 1
            time.sleep(0.3)
        for each in sending:
            each.result()  # smtp-source fails at the first refusal
    instance.wait_until_queue_empty(timeout=120)
    assert instance.mailbox().count(b"\nFrom source@example.com ") + 1 == 2 * messages
    assert len(sink.messages) == 2 * messages
    assert "unexpected answer" not in instance.log()
    assert "went away with" not in instance.log()

    def left():
        """Programs of which more than one process is there; local's children belong to their deliveries."""
        names = list(instance.processes().values())
        return {name for name in names if names.count(name) > 1} - {"smtpd"}

    wait_until(lambda: not left() and len(instance.pids("smtpd")) <= max(os.cpu_count(), 2),
               lambda: f"the end of the old processes: {instance.processes()}")


@pytest.mark.parametrize("broken_file, text", [("master.cf", "smtp inet n\n"), ("main.cf", "no value here\n"),
                                               ("main.cf", "max_idle = soon\n")])
def test_reload_with_a_broken_file_keeps_the_system_running(quiet, broken_file, text):
    instance = quiet().start()
    assert greeting(instance.discard_port)
    path = instance.config / broken_file
    good = path.read_text()
    path.write_text(good + text)
    instance.expect_problem("keep their old settings|main.cf|master.cf")
    line = good.count("\n") + 1

    code, said = postfix(instance, "reload", check=False)
    assert code == 1 and f"{path}, line {line}: " in said
    # And when somebody sends the signal himself.
    os.kill(int((instance.queue / "pid" / "master.pid").read_text()), signal.SIGHUP)
    instance.wait_for_log(rf"postfix/master\[\d+\]: error: reload: {path}, line {line}: .*old configuration stays")
    assert greeting(instance.discard_port)
    path.write_text(good)


def test_a_killed_process_is_replaced_when_the_next_client_comes(quiet):
    instance = quiet().start()
    assert greeting(instance.discard_port)
    pid, = instance.kill("discard")
    assert greeting(instance.discard_port)
    instance.wait_for_log(rf"warning: process \S+/discard pid {pid} killed by signal 9$")
    assert "throttling" not in instance.log()


def test_a_killed_queue_manager_is_back_at_once(quiet):
    instance = quiet().start()
    old = wait_until(lambda: instance.pids("qmgr"), "qmgr")
    instance.wait_for_log("daemon started")
    time.sleep(0.2)  # so that it has come up: one that dies before is throttled
    instance.kill("qmgr")
    wait_until(lambda: set(instance.pids("qmgr")) - set(old), "a new qmgr", timeout=10)
    assert "throttling" not in instance.log()


def test_a_queue_manager_that_has_not_come_up_yet_takes_a_reload_in_place(quiet):
    instance = quiet().start()
    before = wait_until(lambda: instance.pids("qmgr"), "qmgr")
    instance.reload()
    instance.run("postqueue", "-p", timeout=8)  # answered by the queue manager
    assert instance.pids("qmgr") == before


def test_a_queue_manager_with_another_line_is_replaced_at_once(quiet):
    instance = quiet().start()
    before = wait_until(lambda: instance.pids("qmgr"), "qmgr")
    instance.service_options["qmgr/unix"] = {"minimal_backoff_time": "200s"}
    instance.write_configuration()
    instance.reload()
    wait_until(lambda: instance.pids("qmgr") and not set(before) & set(instance.pids("qmgr")), "a new qmgr", timeout=8)


def test_a_service_that_cannot_start_is_throttled(quiet):
    port = free_port()
    instance = quiet(f"127.0.0.1:{port} inet n - n - - nonexistent\n",
                     service_throttle_time="2s").start()
    instance.expect_problem("cannot start .*/nonexistent: No such file or directory")
    with socket.create_connection(("127.0.0.1", port), timeout=20):
        instance.wait_for_log(r"warning: process \S+/nonexistent pid \d+ exit status 1\n"
                              r".*warning: \S+/nonexistent: bad command startup -- throttling")
        first = time.monotonic()
        instance.wait_for_log("throttling", count=2)
        assert time.monotonic() - first > 1.5
    assert greeting(instance.discard_port), "the other services work"


def dying_discard(instance, deaths):
    """The name in master.cf of a program that is killed so often before it comes up, and then is discard."""
    program = instance.directory / "dying"
    program.write_text(f"""#!/bin/sh
echo x >>{instance.directory}/deaths
[ $(wc -l <{instance.directory}/deaths) -gt {deaths} ] || kill -9 $$
exec {instance.command_path("postfix").parent.parent}/libexec/discard "$@"
""")
    program.chmod(0o755)
    (instance.directory / "deaths").touch()
    (instance.directory / "deaths").chmod(0o666)
    return "../" * 12 + str(program).lstrip("/")


@pytest.mark.parametrize("deaths", [1, 5])
def test_a_process_killed_before_it_came_up_is_replaced_unless_that_goes_on(quiet, deaths):
    port = free_port()
    instance = quiet(service_throttle_time="2s")
    instance.master += f"127.0.0.1:{port} inet n - n - - {dying_discard(instance, deaths)}\n"
    instance.write_configuration()
    instance.start()
    begin = time.monotonic()
    assert greeting(port)
    took = time.monotonic() - begin
    dead = re.compile(r"/dying pid \d+ killed by signal 9$", re.M)
    wait_until(lambda: len(dead.findall(instance.log())) == deaths, lambda: f"{deaths} deaths in the log")
    assert ("throttling" in instance.log()) == (took > 1.5) == (deaths == 5)


def test_a_mail_system_whose_queue_directory_is_removed_says_so_once_and_stops(make_instance):
    instance = make_instance().start()
    instance.wait_for_log("daemon started")
    instance.expect_problem("No such file or directory|Permission denied")      # a process that starts in what is left
    shutil.rmtree(instance.queue)
    wait_until(lambda: not processes_of(f"{instance.queue} (deleted)"), lambda: "the end of all processes")
    assert instance.log().count("the mail system stops") == 1
    assert instance.log().count("No such file or directory") <= 10


def test_no_process_starts_in_a_queue_directory_that_is_not_its_masters(quiet):
    instance = quiet().start()
    instance.wait_for_log("daemon started")
    instance.expect_problem("is not the one that master was started with")
    aside = instance.directory / "aside"
    instance.queue.rename(aside)
    shutil.copytree(aside, instance.queue, ignore=lambda *_: ["journal", "public", "private"])
    try:
        with socket.create_connection(("127.0.0.1", instance.discard_port), timeout=20):
            instance.wait_for_log(r"postfix/discard\[\d+\]: fatal: queue_directory .* is not the one that master")
    finally:
        shutil.rmtree(instance.queue)
        aside.rename(instance.queue)


def test_a_service_is_woken_up_at_start_and_at_intervals(quiet):
    # discard closes a connection that does not speak its protocol and says so: one line a wake-up.
    quiet("beat unix - - n 1 1 discard\n").start().wait_for_log(r"postfix/discard\[\d+\]: ", count=3)


def test_maxproc_bounds_the_clients_of_a_service(make_instance):
    port = free_port()
    instance = make_instance(master=f"127.0.0.1:{port} inet n - n - 2 smtpd\n").start()
    with instance.smtp(port=port), instance.smtp(port=port) as second:
        with socket.create_connection(("127.0.0.1", port), timeout=20) as third:
            third.settimeout(0.5)
            with pytest.raises(TimeoutError):
                third.recv(100)
            instance.wait_for_log(rf'warning: service "127.0.0.1:{port}" \({port}\) has reached its process limit "2"')
            second.close()
            third.settimeout(20)
            assert third.recv(100).startswith(b"220 ")


def test_stop_is_bounded_when_a_process_hangs(quiet):
    instance = quiet().start()
    assert greeting(instance.discard_port)
    instance.kill("discard", signal.SIGSTOP)
    begin = time.monotonic()
    postfix(instance, "stop")
    assert time.monotonic() - begin < 18
    wait_until(lambda: not instance.processes(), "the end of all processes")


def test_a_stop_lets_deliveries_under_way_say_what_became_of_them(make_instance, sink):
    """The defer service is started for it: it leaves after those who report to it."""
    asked = threading.Event()

    def refuse_slowly(_):
        asked.set()
        time.sleep(2)       # the stop comes meanwhile
        return "450 4.2.0 try again later"

    sink.replies["RCPT"] = refuse_slowly
    instance = make_instance(relayhost=f"[127.0.0.1]:{sink.port}").start()
    with instance.smtp() as client:
        assert client.mail("a@example.com").code == client.rcpt("x@sink.test").code == 250
        assert client.data(b"Subject: later\r\n\r\n").code == 250
    assert asked.wait(30)
    assert postfix(instance, "stop")[0] == 0
    wait_until(lambda: not instance.processes(), "the end of all processes")
    assert instance.log().count("status=deferred") == 1
    assert "450 4.2.0 try again later" in instance.run("postqueue", "-p").stdout.decode()


def test_abort_ends_everything(quiet):
    instance = quiet().start()
    assert greeting(instance.discard_port)
    assert "aborting the Postfix mail system" in postfix(instance, "abort")[1]
    wait_until(lambda: not instance.processes(), "the end of all processes")


def test_check_makes_missing_directories_and_names_wrong_ones(quiet):
    instance = quiet()
    code, text = postfix(instance, "check")
    assert code == 0 and "incoming" not in text
    (instance.queue / "incoming").rmdir()
    assert postfix(instance, "check")[0] == 0
    assert (instance.queue / "incoming").stat().st_mode & 0o777 == 0o700
    (instance.queue / "hold").rmdir()
    (instance.queue / "hold").write_text("")
    code, text = postfix(instance, "check", check=False)
    assert code == 1 and f"{instance.queue}/hold is not a directory" in text
    assert "repair what is said above" in postfix(instance, "start", check=False)[1]
    instance.expect_problem("not a directory|repair what")


def test_logrotate_starts_a_new_file_and_compresses_the_old_one(quiet):
    instance = quiet(maillog_file_rotate_suffix="old").start()
    assert greeting(instance.discard_port)
    instance.wait_for_log("daemon started")
    postfix(instance, "logrotate")
    rotated = pathlib.Path(f"{instance.maillog}.old.gz")
    text = subprocess.run(["gzip", "-dc", rotated], capture_output=True, check=True).stdout
    assert b"daemon started" in text
    instance.run("postlog", "-t", "test/tag", "-p", "warn", "after", "rotation")
    instance.wait_for_log(r" test/tag\[\d+\]: warning: after rotation$")
    assert "daemon started" not in instance.log()


def test_postlog_writes_each_line_of_standard_input(quiet):
    instance = quiet().start()
    instance.run("postlog", stdin="one\ntwo\n")
    instance.wait_for_log(r"postfix/postlog\[\d+\]: one\n.*postfix/postlog\[\d+\]: two$")


@pytest.mark.needs_root
def test_postlog_fails_if_nobody_takes_what_it_is_told(quiet):
    instance = quiet().start()
    for arguments, stdin in [(["hello"], ""), ([], "one\ntwo\n"), (["-p", "fatal", "hello"], "")]:
        result = instance.run("postlog", *arguments, stdin=stdin, check=False, user="nobody")
        assert (result.returncode, result.stderr.decode()) == (
            1, f"postlog: fatal: not logged: postlogd does not take it, and {instance.maillog} cannot be written\n")
    instance.configure(maillog_file="")
    assert instance.run("postlog", "hello", user="nobody").stderr == b"", "to syslog, as in Postfix"


def test_start_fg_stays_in_the_foreground_and_logs_to_standard_output(quiet):
    instance = quiet(maillog_file="/dev/stdout", maillog_file_prefixes="/dev/stdout")
    with subprocess.Popen([instance.command_path("postfix"), "start-fg"], env=instance.environment(),
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        line = process.stdout.readline()
        while line and b"daemon started" not in line:
            line = process.stdout.readline()
        assert b"postfix/master[" in line
        assert greeting(instance.discard_port)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(20) == 0
    assert b"terminating on signal 15" in rest


@pytest.mark.needs_root
def test_services_run_as_mail_owner_and_in_the_queue_when_master_is_root(quiet):
    port = free_port()
    instance = quiet(f"127.0.0.1:{port} inet n - y - - discard\n").start()
    assert greeting(instance.discard_port) and greeting(port)
    for pid in instance.pids("discard"):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        assert "Uid:\t0" not in status and "NoNewPrivs:\t1" in status
    roots = {os.readlink(f"/proc/{pid}/root") for pid in instance.pids("discard")}
    assert roots == {"/", str(instance.queue)}


@pytest.mark.needs_root
def test_an_ordinary_user_can_run_the_mail_system(quiet):
    """Started by root as another account; the whole suite runs as an ordinary user, too."""
    instance = quiet()
    account = "games"
    for path in [instance.directory, *instance.directory.rglob("*")]:
        subprocess.run(["chown", account, path], check=True)
    command = ["setpriv", f"--reuid={account}", "--regid=60", "--clear-groups"]
    environment = instance.environment()
    subprocess.run([*command, instance.command_path("postfix"), "start"], env=environment, check=True,
                   capture_output=True)
    assert greeting(instance.discard_port)
    for pid in instance.processes():
        assert os.stat(f"/proc/{pid}").st_uid != 0
    subprocess.run([*command, instance.command_path("postfix"), "stop"], env=environment, check=True,
                   capture_output=True)
