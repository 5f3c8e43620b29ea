"""How smtp(8) finds hosts: MX and address records of a real name server."""
import re

import pytest
from support.ports import free_port
from support.scripted_server import ScriptedServer

BODY = b"Subject: x\r\n\r\nhello\r\n"


@pytest.fixture
def mailer(make_instance):
    """Makes a running instance whose smtp(8) connects to `port` of every mail exchanger."""
    def make(port, **parameters):
        return make_instance(smtp_tcp_port=port, **parameters).start()

    return make


def send(instance, recipient):
    with instance.smtp() as client:
        return client.deliver("a@example.com", recipient, BODY)


def wait_for_line(instance, queue_id, status):
    return instance.wait_for_log(rf"postfix/smtp\[\d+\]: {queue_id}: (to=.*status={status} \(.*\))$").group(1)


def test_the_most_preferred_exchanger_is_used(mailer, dns):
    dns.zone("pref.test", "@ MX 20 second\n@ MX 10 first\nfirst A 127.0.0.2\nsecond A 127.0.0.3")
    port = free_port(address="127.0.0.2")
    with ScriptedServer(address="127.0.0.2", port=port) as first, ScriptedServer(address="127.0.0.3", port=port):
        instance = mailer(port)
        line = wait_for_line(instance, send(instance, "x@pref.test"), "sent")
        assert f"relay=first.pref.test[127.0.0.2]:{port}" in line
        assert len(first.transactions) == 1


def test_the_second_exchanger_is_used_when_the_first_is_down(mailer, dns):
    dns.zone("down.test", "@ MX 10 first\n@ MX 20 second\nfirst A 127.0.0.2\nsecond A 127.0.0.3")
    port = free_port(address="127.0.0.3")
    with ScriptedServer(address="127.0.0.3", port=port):
        instance = mailer(port)
        line = wait_for_line(instance, send(instance, "x@down.test"), "sent")
        assert f"relay=second.down.test[127.0.0.3]:{port}" in line
        assert f"connect to first.down.test[127.0.0.2]:{port}: Connection refused" in instance.log()


def test_the_second_exchanger_is_used_when_the_first_says_4xx(mailer, dns):
    dns.zone("busy.test", "@ MX 10 first\n@ MX 20 second\nfirst A 127.0.0.2\nsecond A 127.0.0.3")
    port = free_port(address="127.0.0.2")
    with ScriptedServer(address="127.0.0.2", port=port, replies={"RCPT": lambda line: "450 4.2.0 busy"}), \
         ScriptedServer(address="127.0.0.3", port=port):
        instance = mailer(port)
        queue_id = send(instance, "x@busy.test")
        assert "relay=second.busy.test" in wait_for_line(instance, queue_id, "sent")
        assert re.search(rf"{queue_id}: host first\.busy\.test\[127\.0\.0\.2\] said: 450 4\.2\.0 busy "
                         r"\(in reply to RCPT TO command\)$", instance.log(), re.M)


def test_5xx_is_final_whatever_other_exchangers_there_are(mailer, dns):
    dns.zone("final.test", "@ MX 10 first\n@ MX 20 second\nfirst A 127.0.0.2\nsecond A 127.0.0.3")
    port = free_port(address="127.0.0.2")
    with ScriptedServer(address="127.0.0.2", port=port, replies={"RCPT": lambda line: "550 5.1.1 no"}), \
         ScriptedServer(address="127.0.0.3", port=port) as second:
        instance = mailer(port)
        assert "relay=first.final.test" in wait_for_line(instance, send(instance, "x@final.test"), "bounced")
        assert second.sessions == 0


def test_no_more_sessions_than_the_limit(mailer, dns):
    dns.zone("many.test", "\n".join(f"@ MX {number} mx{number}\nmx{number} A 127.0.0.{number}" for number in (2, 3, 4)))
    port = free_port(address="127.0.0.2")
    busy = {"MAIL": lambda line: "451 4.3.0 busy"}
    with ScriptedServer(address="127.0.0.2", port=port, replies=busy), \
         ScriptedServer(address="127.0.0.3", port=port, replies=busy), \
         ScriptedServer(address="127.0.0.4", port=port) as third:
        instance = mailer(port)
        assert "mx3.many.test" in wait_for_line(instance, send(instance, "x@many.test"), "deferred")
        assert third.sessions == 0


def test_a_domain_without_mx_is_its_own_host(mailer, dns, sink):
    dns.zone("plain.test", "@ A 127.0.0.1")
    instance = mailer(sink.port)
    assert f"relay=plain.test[127.0.0.1]:{sink.port}" in wait_for_line(instance, send(instance, "x@plain.test"), "sent")


def test_a_name_that_does_not_exist_bounces(mailer, dns, sink):
    dns.zone("exists.test", "@ A 127.0.0.1")
    instance = mailer(sink.port)
    line = wait_for_line(instance, send(instance, "x@nowhere.exists.test"), "bounced")
    assert "dsn=5.4.4" in line
    assert line.endswith("(Host or domain name not found. Name service error for name=nowhere.exists.test type=A: "
                         "Host not found)")


def test_a_name_server_that_fails_defers(mailer, sink):
    """The test's name server refuses what is in none of its zones."""
    instance = mailer(sink.port)
    line = wait_for_line(instance, send(instance, "x@outside.example"), "deferred")
    assert "dsn=4.4.3" in line
    assert line.endswith("(Host or domain name not found. Name service error for name=outside.example type=MX: "
                         "Host not found, try again)")


def test_a_null_mx_bounces(mailer, dns, sink):
    dns.zone("null.test", "@ MX 0 .\n@ A 127.0.0.1")
    instance = mailer(sink.port)
    line = wait_for_line(instance, send(instance, "x@null.test"), "bounced")
    assert "dsn=5.1.0" in line and line.endswith("(Domain null.test does not accept mail (nullMX))")


def test_an_alias_is_followed(mailer, dns, sink):
    dns.zone("alias.test", "www CNAME @\n@ MX 10 mx\nmx A 127.0.0.1")
    instance = mailer(sink.port)
    assert "relay=mx.alias.test[127.0.0.1]" in wait_for_line(instance, send(instance, "x@www.alias.test"), "sent")


def test_brackets_switch_the_mx_lookup_off(make_instance, dns, sink):
    dns.zone("bracket.test", "@ MX 10 elsewhere\n@ A 127.0.0.1\nelsewhere A 127.0.0.9")
    instance = make_instance(relayhost=f"[bracket.test]:{sink.port}").start()
    assert "relay=bracket.test[127.0.0.1]" in wait_for_line(instance, send(instance, "x@remote.test"), "sent")


def test_an_exchanger_without_address_defers_only_if_told_so(mailer, dns, sink):
    dns.zone("empty.test", "@ MX 10 mx\nmx TXT \"no address\"")
    instance = mailer(sink.port)
    line = wait_for_line(instance, send(instance, "x@empty.test"), "bounced")
    assert "name=mx.empty.test type=A: Host found but no data record of requested type" in line
    other = mailer(sink.port, smtp_defer_if_no_mx_address_found=True)
    assert "dsn=4.4.4" in wait_for_line(other, send(other, "x@empty.test"), "deferred")


def test_mail_that_would_come_back_bounces(make_instance, dns):
    """The exchanger is this machine, on the port for mail from outside; nothing is sent there."""
    dns.zone("self.test", "@ MX 10 mx\nmx A 127.0.0.1")
    instance = make_instance().start()
    line = wait_for_line(instance, send(instance, "x@self.test"), "bounced")
    assert "dsn=5.4.6" in line and line.endswith("(mail for self.test loops back to myself)")


def test_use_srv_lookup_finds_hosts_and_ports(mailer, dns):
    port = free_port(address="127.0.0.2")
    dns.zone("srv.test", f"_submission._tcp SRV 10 0 {port} second\n_submission._tcp SRV 0 0 {port} first\n"
                         "@ MX 0 never\nfirst A 127.0.0.2\nsecond A 127.0.0.3")
    with ScriptedServer(address="127.0.0.2", port=port) as first, ScriptedServer(address="127.0.0.3", port=port):
        instance = mailer(free_port(), use_srv_lookup="submission", transport_maps="inline:{x.test=smtp:srv.test:submission}")
        line = wait_for_line(instance, send(instance, "x@x.test"), "sent")
        assert f"relay=first.srv.test[127.0.0.2]:{port}" in line
        assert len(first.transactions) == 1


def test_srv_host_that_is_down_is_followed_by_the_next(mailer, dns):
    port = free_port(address="127.0.0.3")
    dns.zone("srvdown.test", f"_submission._tcp SRV 0 0 {port} first\n_submission._tcp SRV 10 0 {port} second\n"
                             "first A 127.0.0.2\nsecond A 127.0.0.3")
    with ScriptedServer(address="127.0.0.3", port=port):
        instance = mailer(free_port(), use_srv_lookup="submission", transport_maps="inline:{x.test=smtp:srvdown.test:submission}")
        assert "relay=second.srvdown.test" in wait_for_line(instance, send(instance, "x@x.test"), "sent")


def test_service_that_is_not_listed_or_in_brackets_is_not_looked_up(mailer, dns):
    dns.zone("plain.test", "_submission._tcp SRV 0 0 1 never\n@ A 127.0.0.2")
    port = free_port(address="127.0.0.2")
    with ScriptedServer(address="127.0.0.2", port=port) as server:
        instance = mailer(port, use_srv_lookup="submission", known_tcp_ports=f"submission={port} other={port}",
                          transport_maps="inline:{x.test=smtp:[plain.test]:submission, y.test=smtp:plain.test:other}")
        wait_for_line(instance, send(instance, "x@x.test"), "sent")
        wait_for_line(instance, send(instance, "x@y.test"), "sent")
        assert len(server.transactions) == 2


@pytest.mark.parametrize(("fallback", "status"), [("no", "bounced"), ("yes", "sent")])
def test_allow_srv_lookup_fallback_where_there_is_no_srv_record(mailer, dns, fallback, status):
    dns.zone("nosrv.test", "@ MX 0 mx\nmx A 127.0.0.2")
    port = free_port(address="127.0.0.2")
    with ScriptedServer(address="127.0.0.2", port=port):
        instance = mailer(port, use_srv_lookup="submission", allow_srv_lookup_fallback=fallback,
                          known_tcp_ports=f"submission={port}", transport_maps="inline:{x.test=smtp:nosrv.test:submission}")
        line = wait_for_line(instance, send(instance, "x@x.test"), status)
        assert ("_submission._tcp.nosrv.test type=SRV" if status == "bounced" else "relay=mx.nosrv.test") in line


@pytest.mark.parametrize(("ignore", "words"), [("no", "type=SRV"), ("yes", "type=MX")])
def test_ignore_srv_lookup_error_asks_for_exchangers_instead(mailer, ignore, words):
    """Nobody serves refused.test: neither question gets an answer, and the log says which one mattered."""
    instance = mailer(free_port(), use_srv_lookup="submission", ignore_srv_lookup_error=ignore,
                      transport_maps="inline:{x.test=smtp:refused.test:submission}")
    line = wait_for_line(instance, send(instance, "x@x.test"), "deferred")
    assert "dsn=4.4.3" in line and words in line


def test_service_that_the_domain_does_not_have_is_final(mailer, dns):
    dns.zone("dot.test", "_submission._tcp SRV 0 0 0 .\n@ A 127.0.0.2")
    instance = mailer(free_port(), use_srv_lookup="submission", allow_srv_lookup_fallback="yes",
                      transport_maps="inline:{x.test=smtp:dot.test:submission}")
    line = wait_for_line(instance, send(instance, "x@x.test"), "bounced")
    assert "dsn=5.4.4" in line and "Domain dot.test does not offer service submission" in line


def test_mail_waits_for_a_relayhost_that_is_this_machine(mailer, dns):
    dns.zone("loop.test", "@ MX 10 me\nme A 127.0.0.1")
    instance = mailer(25, relayhost="loop.test", smtp_fallback_relay="[127.0.0.9]", best_mx_transport="discard:best")
    line = wait_for_line(instance, send(instance, "x@far.test"), "deferred")
    assert "dsn=4.3.5" in line and "(mail for loop.test loops back to myself)" in line
    assert "warning: relayhost configuration problem" in instance.log()


@pytest.mark.parametrize("relayhost", ["nosuch.exists.test", "[nosuch.exists.test]:587", "null.exists.test"])
def test_mail_waits_for_a_relayhost_that_does_not_exist(mailer, dns, relayhost):
    dns.zone("exists.test", "null MX 0 .")
    instance = mailer(free_port(), relayhost=relayhost)
    line = wait_for_line(instance, send(instance, "x@far.test"), "deferred")
    assert "dsn=4.3.5" in line and "relay=none" in line
    assert "not found. Name service error for name=nosuch.exists.test type=A" in line or "(nullMX)" in line
    instance.wait_for_log(r"postfix/smtp\[\d+\]: warning: relayhost configuration problem$")
    assert not instance.queue_is_empty()


def test_mail_waits_for_a_fallback_relay_that_does_not_exist(mailer, dns):
    dns.zone("exists.test", "@ A 127.0.0.9")
    instance = mailer(free_port(address="127.0.0.9"), smtp_fallback_relay="[nosuch.exists.test]")
    for recipient in ["x@exists.test", "x@nosuch.exists.test"]:
        line = wait_for_line(instance, send(instance, recipient), "deferred")
        assert "dsn=4.3.5" in line and "Name service error for name=nosuch.exists.test type=A" in line
    instance.wait_for_log(r"postfix/smtp\[\d+\]: warning: smtp_fallback_relay configuration problem$", count=2)


def test_mail_for_a_domain_that_does_not_exist_is_returned(mailer, dns):
    dns.zone("exists.test", "@ A 127.0.0.9")
    instance = mailer(free_port(), relayhost="", transport_maps="inline:{row.test=smtp:[nosuch.exists.test]}")
    for recipient in ["x@nosuch.exists.test", "x@row.test"]:
        assert "dsn=5.4.4" in wait_for_line(instance, send(instance, recipient), "bounced")
    instance.sendmail("-f", "a@example.com", "x@gw..test", stdin=BODY)
    instance.wait_for_log(r"to=<x@gw\.\.test>.*dsn=5\.1\.3, status=bounced \(bad address syntax\)$")
    assert "configuration problem" not in instance.log()


def test_best_mx_transport_gets_what_would_loop_back(mailer, dns):
    dns.zone("best.test", "@ MX 10 me\n@ MX 20 other\nme A 127.0.0.1\nother A 127.0.0.3")
    instance = mailer(25, best_mx_transport="discard:best", smtp_fallback_relay="[127.0.0.9]")
    queue_id = send(instance, "x@best.test")
    instance.wait_for_log(rf"postfix/discard\[\d+\]: {queue_id}: to=<x@best.test>.*status=sent \(best\)$")
    instance.wait_for_log(f"{queue_id}: removed")
    assert not re.search(rf"postfix/smtp\[\d+\]: {queue_id}: to=", instance.log())


def test_without_best_mx_transport_a_loop_is_returned(mailer, dns):
    dns.zone("loop.test", "@ MX 10 me\nme A 127.0.0.1")
    instance = mailer(25, smtp_fallback_relay="[127.0.0.9]")
    line = wait_for_line(instance, send(instance, "x@loop.test"), "bounced")
    assert "dsn=5.4.6" in line and "mail for loop.test loops back to myself" in line


@pytest.mark.parametrize("compatible, name", [("no", "xn--fa-hia.idn.test"), ("yes", "fass.idn.test")])
def test_enable_idna2003_compatibility_asks_for_the_old_name(mailer, dns, compatible, name):
    dns.zone("idn.test", f"{name.split('.')[0]} A 127.0.0.2")
    with ScriptedServer(address="127.0.0.2", port=free_port(address="127.0.0.2")) as server:
        instance = mailer(server.port, transport_maps="inline:{{far.test=smtp:[faß.idn.test]}}",
                          enable_idna2003_compatibility=compatible)
        assert "[127.0.0.2]" in wait_for_line(instance, send(instance, "x@far.test"), "sent")


def route(dialect, host):
    """transport_maps for mail to x.test that goes to this host through smtp(8) or lmtp(8)."""
    return "inline:{x.test=%s}" % {"smtp": f"smtp:[{host.replace(':', ']:')}", "lmtp": f"lmtp:inet:{host}"}[dialect]


def wait_for_relay(instance, queue_id, status):
    return instance.wait_for_log(rf"{queue_id}: (to=.*status={status} \(.*\))$").group(1)


FIRST_OF_TWO = r"regexp:{{/^host\.two\.test\. [0-9]+ in a 127\.0\.0\.2/ ignore}}"


@pytest.mark.parametrize(("dialect", "parameters"), [("smtp", {"smtp_dns_reply_filter": FIRST_OF_TWO}),
                                                     ("lmtp", {"lmtp_dns_reply_filter": FIRST_OF_TWO})])
def test_dns_reply_filter_leaves_addresses_out(mailer, dns, dialect, parameters):
    dns.zone("two.test", "host A 127.0.0.2\nhost A 127.0.0.3")
    port = free_port(address="127.0.0.3")
    with ScriptedServer(address="127.0.0.2", port=port, lmtp=dialect == "lmtp") as left_out, \
         ScriptedServer(address="127.0.0.3", port=port, lmtp=dialect == "lmtp"):
        instance = mailer(port, transport_maps=route(dialect, f"host.two.test:{port}"), **parameters)
        for _ in range(3):
            assert "relay=host.two.test[127.0.0.3]" in wait_for_relay(instance, send(instance, "x@x.test"), "sent")
        assert left_out.sessions == 0
        assert re.search(r"mtp\[\d+\]: ignoring DNS RR: host\.two\.test\. \d+ IN A 127\.0\.0\.2$", instance.log(), re.M)


def test_dns_reply_filter_leaves_exchangers_out(mailer, dns):
    dns.zone("mx.test", "@ MX 10 first\n@ MX 20 second\nfirst A 127.0.0.2\nsecond A 127.0.0.3")
    port = free_port(address="127.0.0.3")
    with ScriptedServer(address="127.0.0.3", port=port), ScriptedServer(address="127.0.0.2", port=port):
        instance = mailer(port, smtp_dns_reply_filter=r"regexp:{{/ MX 10 first\.mx\.test\./ IGNORE}}")
        assert "relay=second.mx.test" in wait_for_line(instance, send(instance, "x@mx.test"), "sent")


@pytest.mark.parametrize(("table", "words"), [
    ("regexp:{{/ MX / IGNORE}}", "name=all.test type=MX: DNS reply filter drops all results"),
    ("regexp:{{/ MX / REJECT}}", "smtp_dns_reply_filter has an unknown action"),
    ("fail:no-filter", "smtp_dns_reply_filter cannot be read")])
def test_dns_reply_filter_that_leaves_nothing_puts_the_mail_off(mailer, dns, table, words):
    dns.zone("all.test", "@ MX 10 mx\n@ A 127.0.0.2\nmx A 127.0.0.2")
    instance = mailer(free_port(), smtp_dns_reply_filter=table)
    line = wait_for_line(instance, send(instance, "x@all.test"), "deferred")
    assert "dsn=4.4.3" in line and words in line


SEARCH = "MAIL_CONFIG ASAN_OPTIONS UBSAN_OPTIONS LOCALDOMAIN=search.test"  # resolv.conf(5)


@pytest.mark.parametrize(("dialect", "host", "parameters"), [
    ("smtp", "short", {"smtp_dns_resolver_options": "res_defnames"}),
    ("smtp", "short", {"smtp_dns_resolver_options": "res_dnsrch"}),
    ("smtp", "short.known.test", {"smtp_dns_resolver_options": "res_dnsrch"}),
    ("lmtp", "short", {"lmtp_dns_resolver_options": "res_defnames"})])
def test_dns_resolver_options_complete_names(mailer, dns, dialect, host, parameters):
    dns.zone("known.test", "@ A 127.0.0.1")
    dns.zone("search.test", "short A 127.0.0.2\nshort.known.test A 127.0.0.2")
    port = free_port(address="127.0.0.2")
    with ScriptedServer(address="127.0.0.2", port=port, lmtp=dialect == "lmtp"):
        instance = mailer(port, import_environment=SEARCH, transport_maps=route(dialect, f"{host}:{port}"), **parameters)
        assert f"relay={host}[127.0.0.2]:{port}" in wait_for_relay(instance, send(instance, "x@x.test"), "sent")


@pytest.mark.parametrize("options", ["", "res_defnames"])
def test_names_with_dots_are_complete_unless_they_are_searched(mailer, dns, options):
    dns.zone("known.test", "@ A 127.0.0.1")
    dns.zone("search.test", "short.known.test A 127.0.0.2")
    port = free_port()
    instance = mailer(port, import_environment=SEARCH, smtp_dns_resolver_options=options,
                      transport_maps=route("smtp", f"short.known.test:{port}"))
    assert "name=short.known.test type=A: Host not found" in wait_for_relay(instance, send(instance, "x@x.test"), "bounced")


def test_dnssec_probe_is_the_question_that_tells_whether_answers_are_validated(mailer, dns, sink):
    """The test's name server signs nothing. Mail goes out all the same; nothing is said where the parameter is empty."""
    dns.zone("probe.test", "@ A 127.0.0.1")
    silent, warned = [mailer(sink.port, smtp_dns_support_level="dnssec", dnssec_probe=probe)
                      for probe in ("", "ns:probe.test")]
    for instance in (silent, warned):
        wait_for_line(instance, send(instance, "x@probe.test"), "sent")
    warned.wait_for_log(r"warning: DNSSEC validation may be unavailable$")
    warned.wait_for_log(r"warning: reason: dnssec_probe 'ns:probe\.test' received (no response: .*|a response that .*)$")
    assert "DNSSEC" not in silent.log()
