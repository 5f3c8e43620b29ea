"""The fixtures of the system tests: those of test/support/fixtures.py, and what several files here share."""
import pytest
from support.fixtures import (dns, dns_server, instance, make_instance, make_shared_instance,  # noqa: F401
                              sink)  # pytest finds them by name


@pytest.fixture
def make_relay(make_instance, sink):
    """Makes instances, not started yet, that send mail for back.test to `sink`; closed.test fails, slow.test waits,
    good.test vanishes."""
    def make(**parameters):
        routes = f"""
back.test     smtp:[127.0.0.1]:{sink.port}
closed.test   error:5.7.9 closed for good
slow.test     retry:4.3.9 come back later
good.test     discard:
"""
        instance = make_instance()
        instance.configure(transport_maps=f"texthash:{instance.table('routes', routes)}", **parameters)
        return instance
    return make
