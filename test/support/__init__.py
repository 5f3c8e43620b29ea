"""What system tests stand on: private instances of Posthaste (or of Debian's Postfix), peers and a DNS server.

Everything runs on loopback ports above 1024 with directories of its own, needs no root and leaves nothing behind.
The pieces: Instance (instance.py), Client (smtp_client.py), Sink and SmtpSink (sink.py), source() (source.py),
DnsServer (dns_server.py).
"""
from support.dns_server import DnsServer
from support.instance import Instance
from support.ports import free_port
from support.sink import Sink, SmtpSink
from support.smtp_client import Client, Reply
from support.source import source

__all__ = ["Client", "DnsServer", "Instance", "Reply", "Sink", "SmtpSink", "free_port", "source"]
