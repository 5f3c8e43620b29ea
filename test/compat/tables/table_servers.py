"""Servers for network tables that answer as their key says: with a value, with an error, or with nonsense."""
import socketserver
import threading

_SOCKETMAP = {
    b"ok": b"2:OK,", b"val": b"8:OK value,", b"two": b"12:OK a b  c   ,", b"nf": b"9:NOTFOUND ,", b"nf2": b"8:NOTFOUND,",
    b"nf3": b"13:NOTFOUND blah,", b"temp": b"15:TEMP come later,", b"temp0": b"4:TEMP,", b"perm": b"8:PERM bad,",
    b"tmo": b"12:TIMEOUT slow,", b"bad": b"5:HELLO,", b"empty": b"0:,", b"noterm": b"8:OK valueX", b"nolen": b"OK value,",
    b"close": b"", b"okempty": b"3:OK ,", b"lower": b"8:ok value,", b"neg": b"-3:OK ,", b"zero": b"008:OK value,",
    b"half": b"20:OK val", b"big": b"200000:OK " + b"x" * 199997 + b",",
}
_TCP = {
    b"val": b"200 value\n", b"sp": b"200 a%20b%25c\n", b"nf": b"500 not here\n", b"temp": b"400 later\n", b"bad": b"hello\n",
    b"empty": b"200 \n", b"empty0": b"200\n", b"badhex": b"200 a%zz\n", b"code": b"300 x\n", b"crlf": b"200 v\r\n",
    b"neg": b"-200 x\n", b"blank": b"\n", b"500": b"500\n", b"absent": b"500 absent\n",
}
_MEMCACHE = {
    b"val": b"VALUE val 0 5\r\nvalue\r\nEND\r\n", b"err": b"ERROR\r\n", b"serr": b"SERVER_ERROR out of memory\r\n",
    b"bad": b"hello\r\n", b"short": b"VALUE short 0 9\r\nvalue\r\nEND\r\n", b"empty": b"VALUE empty 0 0\r\n\r\nEND\r\n",
    b"other": b"VALUE zzz 0 5\r\nvalue\r\nEND\r\n", b"long": b"VALUE long 0 99999\r\n" + b"x" * 99999 + b"\r\nEND\r\n",
    b"stale": b"STORED\r\n", b"plain": b"VALUE plain 0 5\r\nvalue\r\nEND\r\n", b"42": b"VALUE 42 0 1\r\nn\r\nEND\r\n",
    b"user@example.com": b"VALUE user@example.com 0 4\r\nmail\r\nEND\r\n", b"p:user:example.com": b"VALUE p 0 4\r\nboth\r\nEND\r\n",
}


class _Socketmap(socketserver.StreamRequestHandler):
    def handle(self):
        while (digits := self._digits()) is not None:
            name, _, key = self.rfile.read(int(digits)).partition(b" ")
            self.rfile.read(1)
            text = b"NOTFOUND " if key == b"absent" else b"OK <" + key + b">"
            reply = _SOCKETMAP[key] if name == b"errors" else b"%d:%s," % (len(text), text)
            self.wfile.write(reply)
            if key in (b"close", b"half", b"noterm") and name == b"errors":
                return

    def _digits(self):
        digits = b""
        while (byte := self.rfile.read(1)) != b":":
            if not byte:
                return None
            digits += byte
        return digits


class _Tcp(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            key = line.rstrip(b"\n").removeprefix(b"get ")
            self.wfile.write(_TCP.get(key, b"200 <" + key.replace(b"%", b"%25") + b">\n"))


class _Memcache(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            words = line.split()
            if words[:1] == [b"set"]:
                self.rfile.readline()
                self.wfile.write(b"STORED\r\n")
                continue
            key = words[1] if len(words) > 1 else b""
            self.wfile.write(_MEMCACHE.get(key, b"END\r\n"))
            if key == b"short":
                return


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that went away in the middle is what some cases are about."""


class Servers:
    """All servers, on ports that the system chose; `ports` maps SOCKETMAP, TCP, MEMCACHE to them."""

    def __init__(self):
        self._servers = {name: _Server(("127.0.0.1", 0), handler) for name, handler in
                         {"SOCKETMAP": _Socketmap, "TCP": _Tcp, "MEMCACHE": _Memcache}.items()}
        self.ports = {name: server.server_address[1] for name, server in self._servers.items()}
        for server in self._servers.values():
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self):
        for server in self._servers.values():
            server.shutdown()
            server.server_close()
