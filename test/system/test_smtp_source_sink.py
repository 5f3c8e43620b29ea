"""smtp-source and smtp-sink: like Debian's in what they send and answer, and what theirs lack: ledgers."""
import contextlib
import os
import re
import socket
import subprocess
import threading

import pytest

from support.paths import BUILD, tool
from support.ports import free_port
from support.waiting import wait_until

ENVELOPE = ["MAIL FROM:<a@example.com> SIZE=10", "RCPT TO:<c@example.com>", "RCPT TO:<e@example.com> NOTIFY=NEVER",
            "DATA"]
CONTENT = "Subject: x\r\n\r\n..dot\r\nhello\r\n."
ACCOUNT = ["-u", "root"] if os.getuid() == 0 else []


def program(name, whose="ours"):
    return str(BUILD / "sbin" / name) if whose == "ours" else tool(name)


@contextlib.contextmanager
def running_sink(*options, whose="ours", address=None):
    """A smtp-sink on a port or a UNIX socket; yields its process, with `port` and `address` added."""
    port = free_port()
    address = address or f"inet:127.0.0.1:{port}"
    process = subprocess.Popen([program("smtp-sink", whose), *ACCOUNT, *options, address, "100"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.port, process.address = port, address
    try:
        wait_until(lambda: process.poll() is not None or listens(address, port), "smtp-sink")
        yield process
    finally:
        process.terminate()
        process.communicate()


def listens(address, port):
    """Whether somebody listens, without a connection that the sink would count."""
    if address.startswith("unix:"):
        return os.path.exists(address[5:])
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A" for line in list(table)[1:])


def source(address, *options, whose="ours", check=True):
    return subprocess.run([program("smtp-source", whose), *options, address], check=check, capture_output=True, text=True,
                          timeout=120)


def compare(source_ledger, sink_ledger):
    return subprocess.run([program("smtp-sink"), "--check", str(source_ledger), str(sink_ledger)], check=False,
                          capture_output=True, text=True, timeout=60)


class Client:
    """Sends a line and returns its reply, b"" at the end of the connection."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._file = self._socket.makefile("rb")

    def reply(self):
        text = b""
        with contextlib.suppress(ConnectionError):
            while line := self._file.readline():
                text += line
                if line[3:4] != b"-":
                    break
        return text

    def ask(self, line, replies=1):
        with contextlib.suppress(ConnectionError):
            self._socket.sendall(line.encode() + b"\r\n")
        return [self.reply() for _ in range(replies)]

    def close(self):
        self._file.close()
        self._socket.close()


def dialogue(port, lines):
    client = Client(port)
    said = [client.reply()]
    for line in lines:
        said += client.ask(*line) if isinstance(line, tuple) else client.ask(line)
    client.close()
    return said


HELLO = ["EHLO client.test"]
DIALOGUES = {
    "defaults": ([], [*HELLO, *ENVELOPE, CONTENT, "QUIT"]),
    "helo": ([], ["HELO client.test", *ENVELOPE, CONTENT, "RSET", "VRFY x", "NOOP", "AUTH PLAIN x", "XCLIENT a=b",
                  "XFORWARD a=b", "noop x", "QUIT"]),
    "out of order": ([], ["", "HELP", "STARTTLS", "LHLO x", "BDAT 3 LAST", "DATA", "RCPT TO:<x>", "MAIL FROM:<>",
                          "MAIL FROM:<>", "DATA", "RSET", "MAIL", "RCPT", "EHLO x", "MAIL FROM:<>", "QUIT"]),
    "-e": (["-e"], [*HELLO, "QUIT"]),
    "-P": (["-P"], [*HELLO, "QUIT"]),
    "-8pEaN": (["-8pEaN"], [*HELLO, "QUIT"]),
    "-CF": (["-CF"], [*HELLO, "XCLIENT a=b", "XFORWARD a=b", "QUIT"]),
    "-h": (["-h", "foo.test"], [*HELLO, "HELO x", "QUIT"]),
    "-L": (["-L"], ["EHLO x", "HELO x", "LHLO x", *ENVELOPE, (CONTENT, 2), "QUIT"]),
    "-L -f .": (["-L", "-f", "."], ["LHLO x", *ENVELOPE, (CONTENT, 2), "QUIT"]),
    "-f": (["-f", "rcpt vrfy"], [*HELLO, *ENVELOPE, "VRFY x", "QUIT"]),
    "-r": (["-r", "MAIL,connect"], [*HELLO, *ENVELOPE, "QUIT"]),
    "-r .": (["-r", "."], [*HELLO, *ENVELOPE, CONTENT, "QUIT"]),
    "-f -r": (["-f", "noop", "-r", "noop,quit"], ["NOOP", "QUIT", "NOOP"]),
    "-b -B": (["-b", "421 4.1.1 soft", "-B", "554 hard", "-f", "noop", "-r", "vrfy"], ["NOOP", "VRFY x", "QUIT"]),
    "-q": (["-q", "rcpt"], [*HELLO, *ENVELOPE[:2]]),
    "-q connect": (["-q", "connect"], []),
    "-q .": (["-q", "."], [*HELLO, *ENVELOPE, CONTENT]),
    "-Q": (["-Q", "mail"], [*HELLO, *ENVELOPE[:1]]),
    "-Q connect": (["-Q", "connect"], []),
    "-Q .": (["-Q", "."], [*HELLO, *ENVELOPE, CONTENT]),
    "-A": (["-A", "0"], [*HELLO, *ENVELOPE[:3], ("DATA", 2)]),
    "-w -W -H": (["-w", "1", "-W", "rset:1", "-H", "1"], [*HELLO, "RSET", *ENVELOPE, CONTENT, "QUIT"]),
}


@pytest.mark.parametrize("name", DIALOGUES)
def test_sink_answers_as_postfix_does(name):
    options, lines = DIALOGUES[name]
    said = []
    for whose in "ours", "theirs":
        with running_sink(*options, whose=whose) as sink:
            said.append(dialogue(sink.port, lines))
    assert said[0] == said[1]


class Recorder:
    """An SMTP server that accepts everything and keeps what each connection sent."""

    def __init__(self, lmtp_recipients=0):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._final_replies = lmtp_recipients or 1
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.sent = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.sent.append(b"")
                threading.Thread(target=self._one, args=(connection, len(self.sent) - 1), daemon=True).start()

    def _one(self, connection, number):
        file = connection.makefile("rwb")
        content = False

        def say(text):
            file.write(text)
            file.flush()

        say(b"220 hello\r\n")
        for line in file:
            self.sent[number] += line
            if content and line == b".\r\n":
                content = False
                say(b"250 2.0.0 Ok\r\n" * self._final_replies)
            elif line == b"DATA\r\n":
                content = True
                say(b"354 go\r\n")
            elif not content:
                say(b"221 Bye\r\n" if line == b"QUIT\r\n" else b"250 Ok\r\n")
            if line == b"QUIT\r\n":
                break
        connection.close()

    def close(self):
        self._listener.close()


@pytest.mark.parametrize("options", [
    [], ["-l", "4096", "-m", "2", "-d"], ["-l", "1"], ["-l", "81", "-S", "hello"], ["-o"], ["-M", "foo.test", "-m", "2"],
    ["-r", "3", "-t", "bob@x.test", "-f", "al@x.test"], ["-N", "-r", "2", "-m", "2", "-t", "bob@x.test"], ["-f", ""],
    ["-L", "-r", "2"], ["-F", "FILE"], ["-4", "-c", "-m", "3", "-d"],
], ids=" ".join)
def test_source_sends_what_postfix_sends(tmp_path, options):
    file = tmp_path / "message"
    file.write_text("Subject: x\n\n.dot\n..\nlast\n", encoding="ascii")
    recorded = []
    for whose in "ours", "theirs":
        recorder = Recorder(2 if "-L" in options else 0)
        result = source(recorder.address, *[str(file) if option == "FILE" else option for option in options],
                        whose=whose)
        recorder.close()
        assert result.stderr == ""
        sent = [re.sub(rb"\r\n\r\n\.\r\n$|(?<=Date: ).*|(?<=Message-Id: ).*?(?=@)", b"", text) for text in recorder.sent]
        if "FILE" in options:       # Debian's sends an empty line behind the last one
            sent = [text.replace(b"\r\n\r\n.\r\n", b"\r\n.\r\n") for text in sent]
        recorded.append((result.stdout, sent))
    assert recorded[0] == recorded[1]


@pytest.mark.parametrize("sinks", ["ours", "theirs"])
@pytest.mark.parametrize("sources", ["ours", "theirs"])
@pytest.mark.parametrize("options", [["-d"], [], ["-L", "-r", "3"], ["-d", "-l", "300000"]], ids=" ".join)
def test_every_pair_gets_all_messages_across(sources, sinks, options):
    kind = ["-L"] if "-L" in options else []
    with running_sink("-c", "-M", "30", *kind, whose=sinks) as sink:
        source(sink.address, "-s", "5", "-m", "30", *options, whose=sources,
               check=sinks == "ours" and sources == "ours")  # theirs leaves without the last reply
        out, _ = sink.communicate(timeout=30)
        assert sink.returncode == 0
        assert re.search(r"mesg=30\n$", out)


@pytest.mark.parametrize("options", [["-d"], ["-d", "--pipelining"], ["--pipelining", "-r", "20"],
                                     ["-L", "-r", "3", "-d", "--pipelining"], ["-d", "--pipelining", "-l", "300000"],
                                     ["-N", "-r", "2"], ["-R", "1", "-d", "-s", "40", "--pipelining"]], ids=" ".join)
def test_ledgers_agree_when_nothing_is_lost(tmp_path, options):
    kind = ["-L"] if "-L" in options else []
    with running_sink("--ledger", str(tmp_path / "sink"), *kind) as sink:
        source(sink.address, "-s", "5", "-m", "40", *options, "--ledger", str(tmp_path / "source"))
    result = compare(tmp_path / "source", tmp_path / "sink")
    count = 40 * int(options[options.index("-r") + 1] if "-r" in options else 1)
    assert result.stdout.startswith(f"{count} deliveries acknowledged, {count} arrived, 0 missing, 0 doubled\n")
    assert result.returncode == 0


def test_missing_and_doubled_messages_are_reported(tmp_path):
    with running_sink("--ledger", str(tmp_path / "sink")) as sink:
        source(sink.address, "-m", "3", "-t", "bob@x.test", "--ledger", str(tmp_path / "source"))
    first, second, third = (tmp_path / "sink").read_text().splitlines(keepends=True)
    (tmp_path / "sink").write_text(first + third + third)
    result = compare(tmp_path / "source", tmp_path / "sink")
    assert result.returncode == 1
    lost, doubled = (line.split("\t")[1] for line in (second, third))
    assert result.stdout.splitlines()[:3] == [
        f"missing {lost} bob@x.test", f"doubled {doubled} bob@x.test: 2 times",
        "3 deliveries acknowledged, 2 arrived, 1 missing, 1 doubled"]


@pytest.mark.parametrize("pipelining", [[], ["--pipelining"]], ids=["step by step", "pipelined"])
def test_refused_recipients_and_messages_are_not_in_the_ledger(tmp_path, pipelining):
    for command, refusal in (".", "end of data"), ("rcpt", "recipient"), ("data", "data"), ("mail", "sender"):
        ledger = tmp_path / refusal
        options = [*pipelining, "-d", "-m", "3", "--ledger", str(ledger)]
        # -f switches the announcement off that --pipelining needs.
        with running_sink("-f", command) as sink:
            if pipelining:
                result = source(sink.address, *options, check=False)
                assert (result.returncode, "pipelining is not announced" in result.stderr) == (1, True)
            else:
                assert source(sink.address, *options, check=False).stderr == \
                    f"smtp-source: fatal: {refusal} rejected: 500 5.3.0 Error: command failed\n"
            result = source(sink.address, *options, "-A")
            assert result.stderr.count(f"warning: {refusal} rejected: 500") == 3
        assert ledger.read_text() == ""


def test_pipelined_source_survives_refusals(tmp_path, make_instance):
    instance = make_instance(smtpd_recipient_restrictions="check_recipient_access "
                             "inline:{{2user@drop.test=reject},{all@refused.test=reject}}, permit",
                             transport_maps="inline:{drop.test=discard:}").start()
    ledger = tmp_path / "ledger"
    some = source(f"127.0.0.1:{instance.smtp_port}", "--pipelining", "-d", "-A", "-m", "10", "-r", "3", "-f", "a@b.test",
                  "-t", "user@drop.test", "--ledger", str(ledger))
    assert some.stderr.count("warning: recipient rejected: 554") == 10
    lines = [line.split("\t")[2:] for line in ledger.read_text().splitlines()]
    assert lines == [["3user@drop.test", "user@drop.test"]] * 10
    none = source(f"127.0.0.1:{instance.smtp_port}", "--pipelining", "-d", "-A", "-m", "10", "-f", "a@b.test", "-t",
                  "all@refused.test", "--ledger", str(tmp_path / "none"))
    assert none.stderr.count("warning: recipient rejected: 554") == 10
    assert none.stderr.count("warning: data rejected: ") == 10
    assert (tmp_path / "none").read_text() == ""


@pytest.mark.parametrize("options", [["-d"], ["-d", "--pipelining"]], ids=" ".join)
def test_nothing_is_lost_between_source_and_sink_through_smtpd(tmp_path, make_instance, options):
    with running_sink("--ledger", str(tmp_path / "sink")) as sink:
        instance = make_instance(transport_maps=f"inline:{{far.test=smtp:[127.0.0.1]:{sink.port}}}").start()
        source(f"127.0.0.1:{instance.smtp_port}", "-s", "10", "-m", "100", "-r", "2", "-l", "4096", "-f", "a@local.test",
               "-t", "user@far.test", *options, "--ledger", str(tmp_path / "source"))
        instance.wait_until_queue_empty()
    result = compare(tmp_path / "source", tmp_path / "sink")
    assert result.stdout.startswith("200 deliveries acknowledged, 200 arrived, 0 missing, 0 doubled\n")
    assert "acknowledged to arrived: median " in result.stdout
    assert result.returncode == 0


def test_no_more_sessions_connect_at_a_time_than_connecting_says():
    with socket.create_server(("127.0.0.1", 0), backlog=20) as server, contextlib.ExitStack() as stack:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        process = stack.enter_context(subprocess.Popen([program("smtp-source"), "-o", "-s", "10", "-m", "10",
                                                        "--connecting", "3", address], stderr=subprocess.DEVNULL))
        stack.callback(process.kill)
        server.settimeout(30)
        clients = [stack.enter_context(server.accept()[0]) for _ in range(3)]
        server.settimeout(0.3)
        with pytest.raises(TimeoutError):
            server.accept()
        clients[0].sendall(b"220 hello\r\n")
        server.settimeout(30)
        stack.enter_context(server.accept()[0])


def test_ledger_holds_only_what_was_acknowledged_when_the_sink_dies(tmp_path):
    with running_sink("--ledger", str(tmp_path / "sink")) as sink:
        with subprocess.Popen([program("smtp-source"), "-d", "-s", "10", "-m", "10000000", "--ledger",
                               str(tmp_path / "source"), sink.address], stderr=subprocess.PIPE, text=True) as client:
            wait_until(lambda: (tmp_path / "source").exists() and (tmp_path / "source").stat().st_size > 100000,
                       "acknowledged messages")
            sink.kill()
            _, errors = client.communicate(timeout=30)
    assert client.returncode == 1
    assert errors.startswith("smtp-source: fatal: lost connection while ")
    result = compare(tmp_path / "source", tmp_path / "sink")
    assert (result.returncode, ", 0 missing, 0 doubled" in result.stdout) == (0, True), result.stdout


@pytest.mark.parametrize("option", ["-d", "-D"])
def test_dump_files_are_those_of_postfix(tmp_path, option):
    dumps = []
    for whose in "ours", "theirs":
        place = tmp_path / whose
        template = str(place / "%Y" / "mail.")
        with running_sink(option, template, "-S", r"From x\n", whose=whose) as sink:
            dialogue(sink.port, [*HELLO, *ENVELOPE, CONTENT, "MAIL FROM:<>", "RCPT TO:<x@y>", "DATA", ".", "QUIT"])
            dialogue(sink.port, ["MAIL FROM:<>", "RCPT TO:<half@y>", "DATA"])
            complete = 2 if option == "-d" else 1
            wait_until(lambda: len([each for each in place.rglob("*") if each.is_file()]) == complete, "dump files")
            texts = sorted(each.read_text() for each in place.rglob("mail.*"))
        dumps.append([re.sub(r"(?<= id )\w{8}|(?<=\t)\w{3}, .*", "", text) for text in texts])
        names = [each.name for each in place.rglob("mail.*")]
        assert all(re.fullmatch(r"mail\.[0-9a-f]{8}" if option == "-d" else r"mail\.", name) for name in names)
    assert dumps[0] == dumps[1]
    assert "Subject: x\n\n.dot\nhello\n\n" in "".join(dumps[0])


def test_unix_socket(tmp_path):
    address = f"unix:{tmp_path}/socket"
    with running_sink("-n", "2", "-c", address=address) as sink:
        source(address, "-m", "10", "-s", "2", "-d")
        out, _ = sink.communicate(timeout=30)
    assert out.endswith("sess=2 quit=2 mesg=10\n")


def test_sink_takes_no_more_clients_than_it_was_told(tmp_path):
    with running_sink("-m", "1", "--ledger", str(tmp_path / "sink")) as sink:
        first = Client(sink.port)
        assert first.reply() == b"220 smtp-sink ESMTP\r\n"
        second = socket.create_connection(("127.0.0.1", sink.port))
        second.settimeout(0.2)
        with pytest.raises(TimeoutError):
            second.recv(100)
        first.close()
        second.settimeout(30)
        assert second.recv(100) == b"220 smtp-sink ESMTP\r\n"
        second.close()


def test_silent_client_is_dropped():
    with running_sink("-t", "1") as sink:
        assert dialogue(sink.port, [])[0] == b"220 smtp-sink ESMTP\r\n"
        client = Client(sink.port)
        client.reply()
        assert client.reply() == b""
        client.close()
        sink.terminate()
        assert "smtp-sink: warning: read timeout\n" in sink.communicate()[1]


@pytest.mark.parametrize("arguments, message", [
    (["-m", "0", "localhost"], "bad message count: 0"), (["-r", "x", "localhost"], "bad recipient count: x"),
    (["-w", "1", "-R", "1", "localhost"], "do not use -w and -R options at the same time"),
    (["-F", "/dev/null", "-l", "5", "localhost"], "-l option cannot be used with -F"),
    (["-o", "--ledger", "x", "localhost"], "--ledger needs a message header: do not use -o"), ([], "usage: "),
    (["-X", "localhost"], "usage: "), (["-C", "2", "127.0.0.1:1"], "connect to 127.0.0.1:1: Connection refused"),
])
def test_source_says_what_is_wrong(tmp_path, arguments, message):
    result = subprocess.run([program("smtp-source"), *arguments], check=False, capture_output=True, text=True,
                            cwd=tmp_path, timeout=30)
    assert result.returncode == 1
    assert f"smtp-source: fatal: {message}" in result.stderr


@pytest.mark.parametrize("arguments, message", [
    (["-f", "foo", ":0", "1"], "unknown command: foo"), (["-b", "550 x", ":0", "1"], "bad soft error reply: 550 x"),
    (["-m", "0", ":0", "1"], "bad concurrency limit: 0"), (["-W", ".", ":0", "1"], "invalid command delay argument: ."),
    (["-d", "x", "-D", "y", ":0", "1"], "use only one of -d or -D, but not both"), ([":0"], "usage: "),
    (["-u", "no-such-user-here", "127.0.0.1:0", "1"], "unknown user: no-such-user-here"),
    (["--check", "/nonexistent/a", "/nonexistent/b"], "open /nonexistent/a: No such file or directory"),
])
def test_sink_says_what_is_wrong(arguments, message):
    result = subprocess.run([program("smtp-sink"), *arguments], check=False, capture_output=True, text=True, timeout=30)
    assert result.returncode == 1
    assert f"smtp-sink: fatal: {message}" in result.stderr
