"""A real authoritative DNS server (nsd) on a loopback port, with zones that tests write.

One server serves a whole test process: starting it takes a moment, adding a zone does not. It is also what
`dns_servers = 127.0.0.1:PORT` names. A name outside of every zone gets REFUSED.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile

import dns.exception
import dns.message
import dns.query
import dns.rcode

from support.paths import tool
from support.ports import free_port
from support.waiting import wait_until

_CONFIG = """
server:
    ip-address: 127.0.0.1@{port}
    username: ""
    chroot: ""
    zonesdir: "{directory}"
    zonelistfile: "{directory}/zone.list"
    database: ""
    logfile: "{directory}/log"
    pidfile: "{directory}/pid"
    xfrdfile: "{directory}/xfrd.state"
    xfrdir: "{directory}"
    server-count: 1
    minimal-responses: no
    rrl-ratelimit: 0
remote-control:
    control-enable: yes
    control-interface: "{directory}/control"
"""

_HEAD = """$ORIGIN {name}.
$TTL 60
@ SOA ns.{name}. hostmaster.{name}. {serial} 3600 600 86400 60
@ NS ns.{name}.
ns A 127.0.0.1
"""


class DnsServer:
    """nsd and its zone files in a directory of its own; stop() removes both."""

    def __init__(self):
        self.port = None
        self._zones = {}
        self._serial = 1
        self._process = None
        self._directory = pathlib.Path(tempfile.mkdtemp(prefix="ph-dns-", dir="/tmp"))

    def start(self):
        self.port = free_port(socket.SOCK_DGRAM)
        self.zone("ready.test", "@ TXT \"1\"", apply=False)
        self._write()
        self._process = subprocess.Popen([tool("nsd"), "-d", "-c", str(self._directory / "nsd.conf")],
                                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait_until_served("ready.test")
        return self

    def stop(self):
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
        shutil.rmtree(self._directory, ignore_errors=True)

    def zone(self, name, records, apply=True):
        """Defines (or replaces) the zone `name`: lines of a zone file, relative to the zone, without SOA and NS.

        Returns when it is being served.
        """
        self._serial += 1
        text = "\n".join(line.strip() for line in records.strip().splitlines())
        self._zones[name] = (self._serial, _HEAD.format(name=name, serial=self._serial) + text + "\n")
        if apply:
            self._write()
            self._control("reconfig")               # takes new zones from the configuration
            self._control("reload", name)           # and reads this one's file, should it have existed
            self._wait_until_served(name)

    def _control(self, *arguments):
        subprocess.run([tool("nsd-control"), "-c", str(self._directory / "nsd.conf"), *arguments], check=True,
                       capture_output=True)

    def _write(self):
        lines = [_CONFIG.format(port=self.port, directory=self._directory)]
        for name, (_, text) in self._zones.items():
            (self._directory / f"{name}.zone").write_text(text)
            lines.append(f'zone:\n    name: "{name}"\n    zonefile: "{name}.zone"')
        temporary = self._directory / "nsd.conf.new"
        temporary.write_text("\n".join(lines) + "\n")
        os.rename(temporary, self._directory / "nsd.conf")

    def _wait_until_served(self, name):
        serial = self._zones[name][0]

        def served():
            if self._process.poll() is not None:
                raise AssertionError(f"nsd left: {(self._directory / 'log').read_text()}")
            try:
                answer = dns.query.udp(dns.message.make_query(name, "SOA"), "127.0.0.1", port=self.port, timeout=0.2)
            except (dns.exception.Timeout, OSError):
                return False
            return answer.rcode() == dns.rcode.NOERROR and answer.answer and answer.answer[0][0].serial == serial

        wait_until(served, lambda: f"zone {name}: {(self._directory / 'log').read_text()[-2000:]}")
