"""in_flow_delay: while the queue manager takes less than comes in, who brings mail waits before each message, and mail is
still accepted."""
import os
import re
import signal
import time

import pytest

from support.source import source
from support.waiting import wait_until

SLACK = 2000  # messages that may wait at any time, InFlow::slack


def seconds_for_one_message(instance):
    begun = time.monotonic()
    with instance.smtp() as client:
        client.deliver("ann@a.test", "x@gone.test", b"Subject: s\r\n\r\nhello\r\n")
    return time.monotonic() - begun


@pytest.fixture
def flooded(make_instance):
    """Makes an instance whose queue manager stands still, with more mail before it than may wait. Afterwards it goes on,
    and has delivered everything."""
    stopped = []

    def make(**parameters):
        instance = make_instance(transport_maps="inline:{gone.test=discard:}", smtpd_client_connection_count_limit="0",
                                 **parameters).start()
        seconds_for_one_message(instance)
        [manager] = instance.pids("qmgr")
        os.kill(manager, signal.SIGSTOP)
        stopped.append((instance, manager))
        source(instance.smtp_port, recipient="x@gone.test", sender="ann@a.test", messages=SLACK + 2, length=100)
        return instance

    yield make
    for instance, manager in stopped:
        os.kill(manager, signal.SIGCONT)
        wait_until(lambda of=instance: len(re.findall("status=sent", of.log())) >= SLACK + 4, "all deliveries", 120)
        assert seconds_for_one_message(instance) < 2


def test_mail_is_accepted_slower_while_the_queue_manager_stands_still(flooded):
    instance = flooded(in_flow_delay="3s")
    assert 3 <= seconds_for_one_message(instance) < 20


def test_without_a_delay_mail_is_accepted_at_once(flooded):
    instance = flooded(in_flow_delay="0")
    assert seconds_for_one_message(instance) < 2
