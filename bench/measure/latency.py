"""How long one message takes when there is little to do: a new connection every 50 ms, relayed to a sink.

Two times are told, both from the moment when the client has sent the final dot: until the server acknowledges, and
until the sink has the message. The sink's ledger has the latter; both clocks are the system's.
"""
import contextlib
import pathlib
import socket
import statistics
import tempfile
import time

from measure.cases import RELAY_PORT, Relay
from measure.load import OURS, SENDER
from support.waiting import wait_until

INTERVAL = 0.05


class Client:
    """A plain SMTP client that adds no time of its own to the moment that matters."""

    def __init__(self, port):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def reply(self):
        text = b""
        while not (text.endswith(b"\r\n") and text.rstrip().rpartition(b"\r\n")[2][3:4] == b" "):
            piece = self._socket.recv(4096)
            if not piece:
                raise ConnectionError(f"the server closed the connection after {text!r}")
            text += piece
        if text[:1] not in b"23":
            raise RuntimeError(text.decode())

    def send(self, text):
        self._socket.sendall(text)

    def command(self, line):
        self.send(line.encode() + b"\r\n")
        self.reply()

    def close(self):
        self._socket.close()


def send_one(port, message_id):
    """(the time of the final dot, that of its reply)"""
    with contextlib.closing(Client(port)) as client:
        client.reply()
        for line in ("EHLO client.test", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{Relay.recipient}>", "DATA"):
            client.command(line)
        content = f"X-Posthaste-Id: {message_id}\r\nSubject: latency\r\n\r\n".encode() + (b"x" * 78 + b"\r\n") * 50
        client.send(content)
        sent = time.time()
        client.command(".")
        acknowledged = time.time()
        client.command("QUIT")
    return sent, acknowledged


def arrivals(ledger):
    """{message id: time} of a sink's ledger."""
    rows = (line.split("\t") for line in ledger.read_text().splitlines())
    return {row[1]: float(row[0]) for row in rows}


def latencies(system, count):
    """{what: [milliseconds of each message]}"""
    with tempfile.TemporaryDirectory() as directory:
        ledger = pathlib.Path(directory) / "ledger"
        with OURS.sink("--ledger", str(ledger), port=RELAY_PORT):
            times = {}
            begun = time.monotonic()
            for number in range(count):
                time.sleep(max(0.0, begun + number * INTERVAL - time.monotonic()))
                times[f"latency-{number}"] = send_one(system.port, f"latency-{number}")
            wait_until(lambda: len(arrivals(ledger)) >= count, "the last message", timeout=60)
            arrived = arrivals(ledger)
        system.drain()
    return {"acknowledged": [(answered - sent) * 1000 for sent, answered in times.values()],
            "delivered": [(arrived[message_id] - sent) * 1000 for message_id, (sent, _) in times.items()]}


def percentile(values, share):
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def measure(options, systems, results):
    """Rounds of `options.probes` messages, in alternation; median and 95th percentile over all of them."""
    seen = {}
    for turn in range(options.rounds):
        for system in systems if turn % 2 == 0 else systems[::-1]:
            system.settle()
            for what, values in latencies(system, options.probes).items():
                seen.setdefault((what, system.label), []).extend(values)
    for (what, label), values in seen.items():
        results.note(f"latency, {what}: median", "ms", label, statistics.median(values))
        results.note(f"latency, {what}: 95th percentile", "ms", label, percentile(values, 0.95))
