"""A client of our processes' own protocols (src/ipc): announced protocol, length-prefixed attribute lists."""
import socket


class IpcClient:
    """One connection to a UNIX socket below the queue directory. call({...}) returns the reply's attributes as text;
    lists of structures are not understood. answer: the protocol that the service announces, if it is another one."""

    def __init__(self, path, protocol, version=1, answer=None):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(path))
        self.buffer = b""
        assert self.call({"protocol": protocol, "version": version})["protocol"] == (answer or protocol)

    def call(self, attributes):
        body = b"".join(f"{name}\0{value}\0".encode() for name, value in attributes.items()) + b"\0"
        self.socket.sendall(str(len(body)).encode() + b"\0" + body)
        return self.receive()

    def receive(self):
        while b"\0" not in self.buffer:
            self._read()
        prefix, _, self.buffer = self.buffer.partition(b"\0")
        length = int(prefix)
        while len(self.buffer) < length:
            self._read()
        words = self.buffer[:length - 1].split(b"\0")
        self.buffer = self.buffer[length:]
        return {name.decode(): value.decode() for name, value in zip(words[::2], words[1::2]) if name}

    def _read(self):
        data = self.socket.recv(65536)
        assert data, "connection closed"
        self.buffer += data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
