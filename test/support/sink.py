"""SMTP servers for what an instance sends out.

Sink keeps every message byte for byte and answers as the test says; SmtpSink is Postfix's smtp-sink, which keeps
nothing and is fast.
"""
import asyncio
import collections
import dataclasses
import os
import subprocess

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP

from support.paths import tool
from support.ports import free_port
from support.waiting import PATIENCE, wait_until


@dataclasses.dataclass(frozen=True)
class Message:
    """What one transaction brought. `content` has CRLF line ends, dots undone."""
    sender: str
    recipients: tuple
    content: bytes
    peer: tuple
    helo: str
    mail_options: tuple
    rcpt_options: tuple


class Sink:
    """An aiosmtpd server in a thread of its own, for one test.

    Replies: sink.replies["RCPT"] = "450 4.2.0 later" answers every RCPT so; a list gives one reply after another and
    then the normal one; a callable gets the argument (recipient, sender, host name, or Message for DATA) and returns
    a reply or None. Keys: EHLO MAIL RCPT DATA QUIT. A reply "close" drops the connection. Changes take effect at
    once.
    """

    def __init__(self, port=None, address="127.0.0.1", size_limit=100_000_000, smtputf8=False, **replies):
        self.port = port or free_port(address=address)
        self.address = address
        self.messages = []
        self.connections = 0
        self.commands = collections.Counter()
        self.replies = replies
        sink = self

        class Session(SMTP):
            def connection_made(self, transport):
                sink.connections += 1
                super().connection_made(transport)

        class Server(Controller):
            def factory(self):
                return Session(sink, hostname="sink.test", enable_SMTPUTF8=smtputf8, data_size_limit=size_limit,
                               timeout=300)

        self._controller = Server(self, hostname=address, port=self.port)

    def start(self):
        self._controller.start()
        return self

    def stop(self):
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def wait_for(self, count, timeout=PATIENCE):
        """The messages, as soon as there are `count`."""
        wait_until(lambda: len(self.messages) >= count, lambda: f"{count} messages, have {len(self.messages)}", timeout)
        return self.messages

    # --- called by aiosmtpd, in its thread

    def _answer(self, verb, argument, server):
        self.commands[verb] += 1
        wanted = self.replies.get(verb)
        if callable(wanted):
            wanted = wanted(argument)
        elif isinstance(wanted, list):
            wanted = wanted.pop(0) if wanted else None
        if wanted == "close":
            server.transport.abort()
            return "421 closing"
        return wanted

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        session.host_name = hostname
        reply = self._answer("EHLO", hostname, server)
        return [reply] if reply else responses

    async def handle_MAIL(self, server, session, envelope, address, options):
        reply = self._answer("MAIL", address, server)
        if reply and not reply.startswith("2"):
            return reply
        envelope.mail_from = address or ""
        envelope.mail_options.extend(options)
        return reply or "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        reply = self._answer("RCPT", address, server)
        if reply and not reply.startswith("2"):
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return reply or "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        message = Message(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.original_content, session.peer,
                          session.host_name, tuple(envelope.mail_options), tuple(envelope.rcpt_options))
        reply = self._answer("DATA", message, server)
        if reply and not reply.startswith("2"):
            return reply
        self.messages.append(message)
        return reply or f"250 2.0.0 OK: kept as {len(self.messages)}"

    async def handle_QUIT(self, server, session, envelope):
        return self._answer("QUIT", "", server) or "221 2.0.0 Bye"

    async def handle_exception(self, error):
        if not isinstance(error, (asyncio.CancelledError, ConnectionError)):
            raise error
        return "451 4.3.0 closing"


class SmtpSink:
    """Postfix's smtp-sink on a port; `options` are its command line, such as "-c"."""

    def __init__(self, *options, port=None, backlog=1000):
        self.port = port or free_port()
        account = ["-u", "nobody"] if os.getuid() == 0 else []
        self._command = [tool("smtp-sink"), *account, *options, f"inet:127.0.0.1:{self.port}", str(backlog)]
        self._process = None

    def start(self):
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        wait_until(self._listens, "smtp-sink")
        return self

    def _listens(self):
        if self._process.poll() is not None:
            raise AssertionError(f"smtp-sink left: {self._process.stdout.read().decode()}")
        with open("/proc/net/tcp", encoding="ascii") as table:
            return any(line.split()[1].endswith(f":{self.port:04X}") and line.split()[3] == "0A"
                       for line in list(table)[1:])

    def wait(self, timeout):
        """Waits until the program leaves by itself (-M: after so many messages, -n: sessions)."""
        self._process.wait(timeout)

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process.stdout.close()
            self._process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
