"""An SMTP or LMTP server that does exactly what a test writes down, well-behaved or not.

    with ScriptedServer(extensions=["PIPELINING"], replies={"RCPT": lambda line: "550 5.1.1 no"}) as server: ...

A reply is a text (lines separated by \\n), a list (one after another, then the default), or a callable that gets the
command line. Keys: the verb, GREETING, and END for the reply to the final dot (with lmtp=True once a recipient).
The reply "close" drops the connection, "silence" says nothing (and does not end the session at QUIT), None is the
default.
"""
import contextlib
import dataclasses
import os
import socket
import threading

from support.ports import free_port

_DEFAULTS = {"MAIL": "250 2.1.0 ok", "RCPT": "250 2.1.5 ok", "DATA": "354 go on", "END": "250 2.0.0 kept",
             "RSET": "250 2.0.0 ok", "QUIT": "221 2.0.0 bye", "NOOP": "250 2.0.0 ok"}


@dataclasses.dataclass(frozen=True)
class Transaction:
    """One message as it came: command lines, and content with CRLF line ends, dots undone."""
    mail: str
    rcpts: tuple
    content: bytes
    session: int


class _Closed(Exception):
    pass


class ScriptedServer:
    """Serves each connection in a thread of its own. `path`: a UNIX socket instead of a port on 127.0.0.1."""

    def __init__(self, name="scripted.test", extensions=(), replies=None, lmtp=False, path=None, address="127.0.0.1",
                 port=None):
        self.name = name
        self.extensions = list(extensions)
        self.replies = replies or {}
        self.lmtp = lmtp
        self.path = path
        self.address = address
        self.port = None if path else (port or free_port(address=address))
        self.transactions = []
        self.commands = []          # every command line, of all sessions
        self.chunks = []            # what single reads brought, outside of content
        self.sessions = 0
        self.ended = 0              # sessions that are over
        self.peers = []             # the addresses of the clients
        self._connections = []
        self._listener = None

    def __enter__(self):
        if self.path:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(str(self.path))
            os.chmod(self.path, 0o777)
        else:
            self._listener = socket.create_server((self.address, self.port))
        self._listener.listen(100)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            with contextlib.suppress(OSError):      # it is closed already
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                connection, peer = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            self.peers.append(peer[0] if peer else "")
            self.sessions += 1
            threading.Thread(target=self._serve, args=(connection, self.sessions), daemon=True).start()

    def _serve(self, connection, number):
        try:
            with connection:
                _Session(self, connection, number).run()
        except (OSError, _Closed):
            pass
        self.ended += 1

    def reply_to(self, verb, line):
        wanted = self.replies.get(verb)
        if callable(wanted):
            wanted = wanted(line)
        elif isinstance(wanted, list):
            wanted = wanted.pop(0) if wanted else None
        if wanted is not None:
            return wanted
        if verb == "GREETING":
            return f"220 {self.name} ESMTP"
        if verb in ("EHLO", "LHLO"):
            return "\n".join(f"250 {line}" for line in [self.name, *self.extensions])
        if verb == "HELO":
            return f"250 {self.name}"
        return _DEFAULTS.get(verb, "500 5.5.2 what?")


class _Session:
    def __init__(self, server, connection, number):
        self.server = server
        self.connection = connection
        self.number = number
        self.buffer = b""

    def run(self):
        self.answer("GREETING", "")
        mail, rcpts = "", []
        while True:
            line = self.line(record=True).decode("utf-8", "replace")
            verb = line.split(" ", 1)[0].split(":", 1)[0].upper()
            self.server.commands.append(line)
            reply = self.answer(verb, line)
            if verb == "MAIL":
                mail, rcpts = line, []
            elif verb == "RCPT" and reply.startswith("2"):
                rcpts.append(line)
            elif verb == "DATA" and reply.startswith("3"):
                content = self.content()
                self.server.transactions.append(Transaction(mail, tuple(rcpts), content, self.number))
                for recipient in rcpts if self.server.lmtp else [""]:
                    self.answer("END", recipient)
            elif verb == "QUIT" and reply != "silence":
                return

    def answer(self, verb, line):
        reply = self.server.reply_to(verb, line)
        if reply == "close":
            raise _Closed
        if reply != "silence":
            lines = reply.split("\n")
            wire = [f"{text[:3]}-{text[4:]}" for text in lines[:-1]] + lines[-1:]
            self.connection.sendall("".join(f"{text}\r\n" for text in wire).encode())
        return reply

    def line(self, record=False):
        while b"\n" not in self.buffer:
            data = self.connection.recv(65536)
            if not data:
                raise _Closed
            if record:
                self.server.chunks.append(data)
            self.buffer += data
        line, self.buffer = self.buffer.split(b"\n", 1)
        return line.rstrip(b"\r")

    def content(self):
        content = b""
        while (line := self.line()) != b".":
            content += (line[1:] if line.startswith(b".") else line) + b"\r\n"
        return content
