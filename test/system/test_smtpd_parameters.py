"""What changes with the parameters of smtpd(8) and of those it works with: one instance has a port for each of SETTINGS,
and logs as postfix/NAME/smtpd there.
"""
import re
import time

import pytest

from support.configuration import services_text
from support.ports import free_port
from support.waiting import wait_until

USER = "{user}@local.test"
STRANGER = {"mynetworks": "192.0.2.0/24", "smtpd_client_event_limit_exceptions": ""}

# name: (settings, EHLO name, sender, recipients, how the first reply that refuses begins)
REFUSALS = {
    "map-reject": ({"access_map_reject_code": 571, "smtpd_sender_restrictions":
                    "check_sender_access inline:{a@example.com=REJECT}"}, "client.test", "a@example.com", [USER], "571 "),
    "map-defer": ({"access_map_defer_code": 451, "smtpd_sender_restrictions":
                   "check_sender_access inline:{a@example.com=DEFER}"}, "client.test", "a@example.com", [USER], "451 "),
    "reject": ({"reject_code": 571, "smtpd_sender_restrictions": "reject"},
               "client.test", "a@example.com", [USER], "571 5.7.1"),
    "defer": ({"defer_code": 451, "smtpd_sender_restrictions": "defer"},
              "client.test", "a@example.com", [USER], "451 4.3.2"),
    "invalid-name": ({"invalid_hostname_reject_code": 450, "smtpd_helo_restrictions": "reject_invalid_helo_hostname"},
                     "a..b", "a@example.com", [USER], "450 "),
    "short-name": ({"non_fqdn_reject_code": 450, "smtpd_helo_restrictions": "reject_non_fqdn_helo_hostname"},
                   "short", "a@example.com", [USER], "450 "),
    "two-for-null": ({"multi_recipient_bounce_reject_code": 450, "smtpd_data_restrictions":
                      "reject_multi_recipient_bounce"}, "client.test", "", [USER, "a@elsewhere.test"], "450 "),
    "alias": ({"unknown_virtual_alias_reject_code": 450},
              "client.test", "a@example.com", ["no@alias.test"], "450 4.1.1"),
    "mailbox": ({"unknown_virtual_mailbox_reject_code": 450,
                 "virtual_mailbox_maps": "inline:{a@box.test=a}"},
                "client.test", "a@example.com", ["no@box.test"], "450 4.1.1"),
    "relay": ({"unknown_relay_recipient_reject_code": 450,
               "relay_recipient_maps": "inline:{a@relay.test=a}"},
              "client.test", "a@example.com", ["no@relay.test"], "450 4.1.1"),
    "null-key": ({"smtpd_null_access_lookup_key": "nobody", "smtpd_sender_restrictions":
                  "check_sender_access inline:{{nobody = 554 5.7.1 no returns}}"},
                 "client.test", "", [USER], "554 5.7.1 <>: Sender address rejected: no returns"),
    "relay-later": ({"smtpd_relay_before_recipient_restrictions": False, "mynetworks": "192.0.2.0/24",
                     "smtpd_recipient_restrictions": "check_recipient_access "
                     "inline:{{a@elsewhere.test = 554 5.7.1 not that one}}"},
                    "client.test", "a@example.com", ["a@elsewhere.test"],
                    "554 5.7.1 <a@elsewhere.test>: Recipient address rejected: not that one"),
    "footer": ({"smtpd_expansion_filter": "\\\\\\40abcdefghijklm", "smtpd_reject_footer": "\\c call nobody",
                "smtpd_sender_restrictions": "reject"},
               "client.test", "a@example.com", [USER],
               "554 5.7.1 <a@example.com>: Sender address rejected: Access denied call __b_d_"),
    "footer-map": ({"smtpd_reject_footer_maps": "regexp:{{/^554 .*denied$$/ call $$$$server_name}}",
                    "smtpd_reject_footer": "none", "smtpd_sender_restrictions": "reject"},
                   "client.test", "a@example.com", [USER],
                   "554 5.7.1 <a@example.com>: Sender address rejected: Access denied\n5.7.1 call mail.local.test"),
    "footer-map-with-words-of-the-client":
        ({"smtpd_reject_footer_maps": "regexp:{{/<(.*)@x/ about $$1}}", "smtpd_sender_restrictions": "reject"},
         "client.test", "$relayhost@x.test", [USER], "554 5.7.1 <$relayhost@x.test>: Sender address rejected: Access denied"),
    "footer-not-in-map": ({"smtpd_reject_footer_maps": "inline:{x=y} fail:broken", "smtpd_reject_footer": "\\c, really",
                           "smtpd_sender_restrictions": "reject"}, "client.test", "a@example.com", [USER],
                          "554 5.7.1 <a@example.com>: Sender address rejected: Access denied, really"),
    "bare-newline": ({"smtpd_forbid_bare_newline_reject_code": 521, "smtpd_forbid_bare_newline": "reject",
                      "smtpd_forbid_bare_newline_exclusions": ""},
                     "client.test", "a@example.com", [USER], "521 5.5.2"),
    "full": ({"cleanup_service_name": "full"}, "client.test", "a@example.com", [USER], "452 4.3.1"),
}
OTHERS = {
    "noop": {"smtpd_noop_commands": "FOO"},
    "forbidden": {"smtpd_forbidden_commands": "FOO"},
    "stress": {"stress": True},
    "banner": {"mail_name": "Otherfix"},
    "short-lines": {"line_length_limit": 512},
    "pipelining": {"smtpd_forbid_unauth_pipelining": False},
    "open-early": {"smtpd_delay_open_until_valid_rcpt": False},
    "keywords": {"smtpd_discard_ehlo_keyword_address_maps": "inline:{{127.0.0.1 = size, dsn}}"},
    "client-ports": {"smtpd_client_port_logging": True},
    "nameless": {"smtpd_peername_lookup": False},
    "rate": STRANGER | {"smtpd_client_connection_rate_limit": 1},
    "networks": STRANGER | {"smtpd_client_ipv4_prefix_length": 24, "smtpd_client_connection_count_limit": 1},
    "slow-data": {"smtpd_min_data_rate": 1, "smtpd_per_request_deadline": True, "smtpd_timeout": "1s"},
    "permits": {"smtpd_log_access_permit_actions": "permit_mynetworks, RELAY, permit_auth_destination",
                "smtpd_client_restrictions": "check_client_access inline:{127.0.0.1=OK}",
                "smtpd_sender_restrictions": "check_sender_access inline:{a@example.com=RELAY}",
                "smtpd_data_restrictions": "permit"},
    "filter": {"content_filter": "discard:filtered"},
    "filter-without-nexthop": {"content_filter": "discard:"},
    "other-cleanup": {"cleanup_service_name": "copier"},
    "log-of-later": {"log_compatibility_level": "3.10"},
}
SETTINGS = {name: row[0] for name, row in REFUSALS.items()} | OTHERS
CLEANUPS = {"full": {"queue_minfree": 9_000_000_000_000_000}, "copier": {"always_bcc": "copy@gone.test"}}
DISCARDING = {"precise": {"delay_logging_resolution_limit": 6}}


class Servers:
    def __init__(self, make_shared_instance):
        self.ports = {name: free_port() for name in SETTINGS}
        listeners = {f"127.0.0.1:{self.ports[name]}": settings | {"syslog_name": f"postfix/{name}"}
                     for name, settings in SETTINGS.items()}
        self.instance = make_shared_instance(
            transport_maps="inline:{ gone.test=discard:, precise.test=precise: }", default_filter_nexthop="by-default",
            virtual_alias_domains="alias.test", virtual_mailbox_domains="box.test", relay_domains="relay.test",
            anvil_rate_time_unit="3s", anvil_status_update_time="1s",
            master=services_text("inet n - n - - smtpd", listeners) + services_text("unix n - n - 0 cleanup", CLEANUPS)
            + services_text("unix - - n - - discard", DISCARDING)).start()

    def connect(self, name, **options):
        return self.instance.smtp(port=self.ports[name], **options)

    def deliver(self, name, recipient="x@gone.test"):
        with self.connect(name) as client:
            return client.deliver("a@example.com", recipient, b"Subject: x\r\n\r\nx\r\n")


@pytest.fixture(scope="module")
def servers(make_shared_instance):
    return Servers(make_shared_instance)


def replies(client, sender, recipients):
    """What the server says to a message, up to the end of data."""
    yield client.mail(sender)
    for recipient in recipients:
        yield client.rcpt(recipient)
    yield client.command("DATA")
    client.send(b"Subject: x\r\n\r\na\nb\r\n.\r\n")
    yield client.reply()


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_as_its_parameters_say(servers, name):
    _, ehlo, sender, recipients, expected = REFUSALS[name]
    recipients = [recipient.format(user=servers.instance.user) for recipient in recipients]
    client = servers.connect(name, ehlo=ehlo)
    refused = next(reply for reply in replies(client, sender, recipients) if reply.code >= 400)
    assert str(refused).startswith(expected)
    client.close()


@pytest.mark.parametrize("name, code", [("noop", 250), ("forbidden", 221), ("stress", 500)])
def test_an_unknown_command_is_answered_as_the_parameter_says(servers, name, code):
    client = servers.connect(name)
    assert client.command("FOO").code == code
    if name == "stress":                # smtpd_hard_error_limit is 1 then
        assert str(client.reply()) == "421 4.7.0 mail.local.test Error: too many errors"
    client.close()


def test_mail_name_is_in_the_banner(servers):
    with servers.connect("banner") as client:
        assert str(client.banner) == "220 mail.local.test ESMTP Otherfix"


def test_line_length_limit_cuts_commands(servers):
    with servers.connect("short-lines") as client:
        assert client.mail("ann@example.com", 500 * " " + "FOO=1").code == 250


def test_unauthorised_pipelining_passes_where_it_is_not_forbidden(servers):
    client = servers.connect("pipelining", ehlo=None)
    client.reply()
    client.send(b"HELO client.test\r\nMAIL FROM:<a@example.com>\r\n")
    assert [client.reply().code for _ in range(2)] == [250, 250]
    client.close()


def test_a_queue_id_is_there_before_the_first_recipient_if_it_is_not_delayed(servers):
    with servers.connect("open-early") as client:
        client.mail("a@example.com"), client.rcpt("nobody-by-this-name@local.test")
    servers.instance.wait_for_log(r"postfix/open-early/smtpd\[\d+\]: [0-9A-F]{6,}: reject: RCPT from ")


def test_keywords_are_not_offered_to_the_addresses_of_a_table(servers):
    with servers.connect("keywords") as client:
        assert "PIPELINING" in client.extensions
        assert "DSN" not in client.extensions and not any(word.startswith("SIZE") for word in client.extensions)


def test_the_log_names_the_client_as_it_is_told(servers):
    servers.connect("client-ports").close()
    servers.connect("nameless").close()
    servers.instance.wait_for_log(r"postfix/client-ports/smtpd\[\d+\]: connect from localhost\[127\.0\.0\.1\]:\d+$")
    servers.instance.wait_for_log(r"postfix/nameless/smtpd\[\d+\]: connect from unknown\[127\.0\.0\.1\]$")


def banner_code(servers, name, **options):
    client = servers.connect(name, ehlo=None, **options)
    code = client.reply().code
    client.close()
    return code


def test_connections_are_counted_for_as_long_as_anvil_rate_time_unit_says(servers):
    assert banner_code(servers, "rate") == 220
    assert banner_code(servers, "rate") == 421
    wait_until(lambda: banner_code(servers, "rate") == 220, "the end of the time unit", timeout=20, interval=1)


def test_clients_of_one_network_are_counted_together(servers):
    first = servers.connect("networks", source_address="127.0.0.2")
    assert banner_code(servers, "networks", source_address="127.0.0.3") == 421
    first.close()
    servers.instance.wait_for_log(r"postfix/networks/smtpd\[\d+\]: disconnect from \S+\[127\.0\.0\.2\]")


def test_anvil_reports_its_maxima_as_often_as_its_parameter_says(servers):
    """While it runs; it also does when it ends."""
    servers.connect("networks").close()
    servers.instance.wait_for_log(r"postfix/anvil\[\d+\]: statistics: max connection rate \d+/3s for "
                                  r"\(127\.0\.0\.1:\d+:127\.0\.0\.0/24\)")


def test_data_that_comes_fast_enough_has_more_time(servers):
    with servers.connect("slow-data") as client:
        client.mail("a@example.com"), client.rcpt("x@gone.test"), client.command("DATA")
        client.send(b"Subject: x\r\n\r\nhello\r\n")
        time.sleep(1.5)
        client.send(b".\r\n")
        assert client.reply().code == 250


@pytest.mark.parametrize("name, nexthop", [("filter", "filtered"), ("filter-without-nexthop", "by-default")])
def test_content_filter_sends_everything_to_the_filter(servers, name, nexthop):
    queue_id = servers.deliver(name, "x@elsewhere.test")
    servers.instance.wait_for_log(rf"/discard\[\d+\]: {queue_id}: to=<x@elsewhere.test>.*\({nexthop}\)$")


def test_cleanup_service_name_chooses_whose_options_count(servers):
    queue_id = servers.deliver("other-cleanup")
    servers.instance.wait_for_log(rf"{queue_id}: to=<copy@gone\.test>")


def test_log_compatibility_level_chooses_the_wording(servers):
    client = servers.connect("log-of-later")
    client.mail("a@example.com"), client.rcpt("x@gone.test")
    client.close()
    servers.instance.wait_for_log(r"/log-of-later/smtpd\[\d+\]: \w+: lost connection after RCPT from ")


def test_delay_logging_resolution_limit_is_how_many_digits_delays_have(servers):
    """Two that count, but not more behind the point than this; some step takes less than a tenth of a second."""
    queue_id = servers.deliver("noop", "x@precise.test")
    delays = servers.instance.wait_for_log(rf"{queue_id}: to=.*delays=([\d./]+),").group(1)
    assert re.search(r"\.\d{3}", delays), delays


def test_permits_are_logged_if_they_are_listed(servers):
    servers.deliver("permits")
    begin = r"postfix/permits/smtpd\[\d+\]: NOQUEUE: permit: RCPT from localhost\[127\.0\.0\.1\]: action="
    end = r"; from=<a@example\.com> to=<x@gone\.test> proto=ESMTP helo=<client\.test>$"
    servers.instance.wait_for_log(
        begin + r"RELAY for Sender address=a@example\.com from inline:\{a@example\.com=RELAY\}" + end)
    servers.instance.wait_for_log(begin + r"permit_mynetworks for Client host=localhost\[127\.0\.0\.1\] " + end)
    assert not re.search(r"postfix/permits/.* action=(OK|permit) ", servers.instance.log())
    assert not re.search(r"postfix/(?!permits/)\S+ \S+ permit: ", servers.instance.log())
