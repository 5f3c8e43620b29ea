"""Fixtures of system tests: instances that are checked, stopped and removed; peers; DNS."""
import contextlib

import pytest

from support import DnsServer, Instance, Sink
from support.instance import sweep


@pytest.fixture(scope="session")
def dns_server():
    sweep()
    server = DnsServer().start()
    yield server
    server.stop()


@pytest.fixture
def dns(dns_server):
    """The session's DNS server; dns.zone("example.test", "@ MX 10 mx\\nmx A 127.0.0.1") adds a zone."""
    return dns_server


def close_checked(instances):
    """Stops and removes them; fails if one of them had a problem that its test did not expect."""
    problems = []
    for instance in instances:
        try:
            instance.stop()
        except AssertionError as error:
            problems.append(str(error))
        problems += instance.problems()
        instance.close()
    assert not problems, "\n".join(problems)


@contextlib.contextmanager
def _checked_instances(dns_port):
    """Gives a function that makes instances; at the end they are stopped, checked for problems and removed."""
    made = []

    def make(**parameters):
        made.append(Instance(dns_port=dns_port, **parameters))
        return made[-1]

    yield make
    close_checked(made)


@pytest.fixture
def make_instance(dns_server):
    """Makes instances that are checked for problems, stopped and removed at the end of the test."""
    with _checked_instances(dns_server.port) as make:
        yield make


@pytest.fixture(scope="module")
def make_shared_instance(dns_server):
    """The same for instances that all tests of a file use; a problem is an error of the last one."""
    with _checked_instances(dns_server.port) as make:
        yield make


@pytest.fixture
def instance(make_instance):
    """A running instance with the defaults of the tests. For other settings: configure() and reload(), or
    make_instance(...).start()."""
    return make_instance().start()


@pytest.fixture
def sink():
    """An SMTP server that keeps what it gets; set sink.replies for other answers."""
    with Sink() as server:
        yield server
