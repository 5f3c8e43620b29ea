"""The fixtures of the system tests are those of test/support/fixtures.py."""
from support.fixtures import dns, dns_server, instance, make_instance, sink  # noqa: F401  (pytest finds them by name)
