"""An SMTP client that does exactly what it is told, also what no client should do.

    with instance.smtp() as client:             # reads the banner and says EHLO
        client.mail("a@example.com")
        assert client.rcpt("b@local.test") == (250, "2.1.5 Ok")
        client.data(b"Subject: hi\r\n\r\ntext\r\n")

Replies are compared with (code, text); the lines of a multi-line reply are joined by "\n", without their codes.
"""
import socket
import typing


class Disconnected(Exception):
    """The server closed the connection where a reply was due."""


class Reply(typing.NamedTuple):
    code: int
    text: str

    def __str__(self):
        return f"{self.code} {self.text}"


def dot_stuffed(message):
    """The bytes after DATA for `message`, with CRLF line ends and the final dot."""
    message = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    if message and not message.endswith(b"\r\n"):
        message += b"\r\n"
    if message.startswith(b"."):
        message = b"." + message
    return message.replace(b"\r\n.", b"\r\n..") + b".\r\n"


class Client:
    """One connection. Not thread-safe; closed by the `with` statement or close()."""

    def __init__(self, port, host="127.0.0.1", ehlo="client.test", timeout=30, source_address=None):
        self.socket = socket.create_connection((host, port), timeout=timeout,
                                               source_address=(source_address, 0) if source_address else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.file = self.socket.makefile("rb")
        self.extensions = []
        self.banner = None
        if ehlo is not None:
            self.banner = self.reply()
            self.ehlo(ehlo)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.quit()
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data):
        """Sends bytes as they are."""
        self.socket.sendall(data)

    def reply_lines(self):
        """The raw lines of the next reply, without line ends."""
        lines = []
        while True:
            line = self.file.readline()
            if not line.endswith(b"\n"):
                raise Disconnected(b"".join([*lines, line]).decode("latin-1"))
            lines.append(line.rstrip(b"\r\n").decode("latin-1"))
            if lines[-1][3:4] != "-":
                return lines

    def reply(self):
        lines = self.reply_lines()
        return Reply(int(lines[-1][:3]), "\n".join(line[4:] for line in lines))

    def at_end(self):
        """Whether the server has closed the connection (waits for it)."""
        try:
            return self.file.read(1) == b""
        except ConnectionResetError:
            return True

    def command(self, line):
        self.send((line if isinstance(line, bytes) else line.encode()) + b"\r\n")
        return self.reply()

    def helo(self, name="client.test"):
        return self.command(f"HELO {name}")

    def ehlo(self, name="client.test"):
        reply = self.command(f"EHLO {name}")
        self.extensions = reply.text.split("\n")[1:]
        return reply

    def mail(self, sender, *options):
        return self.command(" ".join([f"MAIL FROM:<{sender}>", *options]))

    def rcpt(self, recipient, *options):
        return self.command(" ".join([f"RCPT TO:<{recipient}>", *options]))

    def data(self, message):
        """DATA, the message (LF or CRLF line ends; dots are doubled here) and the reply to the final dot."""
        reply = self.command("DATA")
        if reply.code != 354:
            return reply
        self.send(dot_stuffed(message if isinstance(message, bytes) else message.encode()))
        return self.reply()

    def rset(self):
        return self.command("RSET")

    def noop(self):
        return self.command("NOOP")

    def quit(self):
        try:
            return self.command("QUIT")
        except (OSError, Disconnected):
            return None

    def deliver(self, sender, recipients, message):
        """A whole transaction that must succeed; returns the queue id."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        for reply in [self.mail(sender), *map(self.rcpt, recipients), last := self.data(message)]:
            if reply.code != 250:
                raise AssertionError(f"refused: {reply}")
        return last.text.rsplit(" ", 1)[-1]
