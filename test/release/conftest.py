"""The fixtures are those of the system tests."""
from support.fixtures import dns, dns_server, instance, make_instance, sink  # noqa: F401
