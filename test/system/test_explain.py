"""postconf explain: which parameter, table and row decide what happens to mail for an address."""
import json

from support.smtp_client import Client


def explain(instance, *arguments, status=0):
    result = instance.run("postconf", "explain", *arguments, check=False)
    text = result.stdout.decode() + result.stderr.decode()
    assert result.returncode == status, text
    return text


def explained(instance, *arguments, status=0):
    return json.loads(explain(instance, *arguments, "--json", status=status))


def step(steps, what, subject=None):
    found = [entry for entry in steps if entry["what"] == what and subject in (None, entry.get("subject"))]
    assert found, f"{what} in {json.dumps(steps, indent=1)}"
    return found[-1]


def test_a_local_address_is_completed_and_stays_here(make_instance):
    instance = make_instance(myorigin="local.test")
    answer = explained(instance, "joe")
    assert step(answer["rewriting"], "append_at_myorigin")["result"] == "joe@local.test"
    [recipient] = answer["recipients"]
    assert recipient["address_class"] == "local" and recipient["transport"] == "local"
    decided = step(recipient["steps"], "mydestination")
    assert decided["result"] == "listed" and decided["element"] == "local.test"
    assert step(recipient["steps"], "local_transport")["result"] == "local:mail.local.test"
    assert recipient["program"].startswith("local (")


def test_text_names_parameter_line_table_and_row(make_instance):
    instance = make_instance()
    aliases = instance.table("virtual", "info@sales.test ann@far.test, bob@local.test\n")
    instance.configure(virtual_alias_domains="sales.test", virtual_alias_maps=f"texthash:{aliases}")
    lines = (instance.config / "main.cf").read_text().splitlines()
    line = 1 + lines.index(f"virtual_alias_maps = texthash:{aliases}")
    text = explain(instance, "info@sales.test")
    assert f"virtual_alias_maps         info@sales.test -> ann@far.test, bob@local.test   " \
           f"[{instance.config}/main.cf, line {line}]" in text
    assert f'texthash:{aliases} has "info@sales.test": ann@far.test, bob@local.test' in text
    assert "Recipient <ann@far.test>" in text and "Recipient <bob@local.test>" in text
    assert "transport:     smtp" in text and "In short: the mail is taken and has a way." in text


def test_every_row_of_a_chain_of_aliases_is_followed(make_instance):
    instance = make_instance(virtual_alias_maps="inline:{{a@local.test=b@local.test, c@local.test}"
                                                "{b@local.test=d@local.test}{@gone.test=c@local.test}}")
    answer = explained(instance, "a@local.test")
    assert [entry["recipient"] for entry in answer["recipients"]] == ["d@local.test", "c@local.test"]
    rows = [(entry["subject"], entry["lookups"][-1]["key"]) for entry in answer["rewriting"]
            if entry["what"] == "virtual_alias_maps" and entry.get("result")]
    assert rows == [("a@local.test", "a@local.test"), ("b@local.test", "b@local.test")]


def test_canonical_masquerade_and_copies(make_instance):
    instance = make_instance(canonical_maps="inline:{{joe@local.test=joseph@host.local.test}}",
                             masquerade_domains="local.test", masquerade_classes="envelope_recipient",
                             always_bcc="archive@local.test",
                             recipient_bcc_maps="inline:{{joseph@local.test=boss@local.test}}")
    answer = explained(instance, "joe@local.test", "--from", "x@far.test")
    canonical = step(answer["rewriting"], "canonical_maps", "joe@local.test")
    assert canonical["result"] == "joseph@host.local.test"
    masqueraded = step(answer["rewriting"], "masquerade_domains", "joseph@host.local.test")
    assert masqueraded["result"] == "joseph@local.test"
    assert step(answer["rewriting"], "always_bcc")["result"] == "archive@local.test"
    assert {entry["recipient"] for entry in answer["recipients"]} == \
        {"joseph@local.test", "archive@local.test", "boss@local.test"}


def test_transport_maps_decides_and_the_explanation_is_what_happens(make_instance, sink):
    instance = make_instance(relayhost="[192.0.2.99]",
                             transport_maps=f"inline:{{{{.far.test=smtp:[127.0.0.1]:{sink.port}}}}}").start()
    answer = explained(instance, "x@sub.far.test")
    [recipient] = answer["recipients"]
    assert (recipient["transport"], recipient["nexthop"]) == ("smtp", f"[127.0.0.1]:{sink.port}")
    assert step(recipient["steps"], "relayhost")["result"] == "[192.0.2.99]"
    row = step(recipient["steps"], "transport_maps")["lookups"][-1]
    assert row["key"] == ".far.test"
    with instance.smtp() as client:
        client.deliver("a@example.com", "x@sub.far.test", "Subject: as explained\r\n\r\n")
    instance.wait_for_log(rf"to=<x@sub.far.test>, relay=127.0.0.1\[127.0.0.1\]:{sink.port}, .*status=sent")


def test_mail_has_no_way_to_a_nexthop_that_cannot_be_understood(make_instance):
    instance = make_instance(relayhost="smtp:[gateway.test]:587")
    [recipient] = explained(instance, "x@far.test", status=75)["recipients"]
    assert recipient["problem"] == '"smtp:[gateway.test]:587" has neither a host name nor an address'
    assert "has neither a host name nor an address; the mail waits" in explain(instance, "x@far.test", status=75)
    instance.configure(relayhost="[gateway.test]:587 # which takes the mail")
    assert "In short: the mail is taken and has a way." in explain(instance, "x@far.test")


def test_sender_dependent_tables(make_instance):
    instance = make_instance(sender_dependent_relayhost_maps="inline:{{@own.test=[relay.own.test]}}",
                             sender_dependent_default_transport_maps="inline:{{odd@own.test=relay:}}")
    [recipient] = explained(instance, "x@far.test", "--from", "joe@own.test")["recipients"]
    assert (recipient["transport"], recipient["nexthop"]) == ("smtp", "[relay.own.test]")
    assert step(recipient["steps"], "sender_dependent_relayhost_maps")["lookups"][-1]["key"] == "@own.test"
    [recipient] = explained(instance, "x@far.test", "--from", "odd@own.test")["recipients"]
    assert recipient["transport"] == "relay"


def test_content_filter_takes_the_place_of_the_transport(make_instance):
    instance = make_instance(content_filter="smtp:[127.0.0.1]:10026")
    [recipient] = explained(instance, "joe@local.test")["recipients"]
    assert (recipient["address_class"], recipient["transport"], recipient["nexthop"]) == \
        ("local", "smtp", "[127.0.0.1]:10026")
    assert step(recipient["steps"], "content_filter")["result"] == "smtp:[127.0.0.1]:10026"


def test_limits_name_the_parameter_that_sets_them(make_instance):
    instance = make_instance(smtp_destination_rate_delay="2s", message_size_limit=12345678)
    [recipient] = explained(instance, "x@far.test")["recipients"]
    limits = recipient["limits"]
    assert limits["smtp_destination_rate_delay"]["value"] == "2s"
    assert "main.cf, line" in limits["smtp_destination_rate_delay"]["place"]
    assert limits["message_size_limit"]["value"] == "12345678"
    assert any(name.endswith("destination_concurrency_limit") for name in limits)


def test_relocated_and_unknown_aliases_come_back(make_instance):
    instance = make_instance(relocated_maps="inline:{{old@local.test=new@far.test}}",
                             virtual_alias_domains="alias.test", virtual_alias_maps="inline:{{a@alias.test=b@far.test}}")
    [recipient] = explained(instance, "old@local.test", status=2)["recipients"]
    assert recipient["nexthop"] == "5.1.6 User has moved to new@far.test"
    [recipient] = explained(instance, "nobody@alias.test", status=2)["recipients"]
    assert "User unknown in virtual alias table" in recipient["nexthop"]


def test_a_table_that_fails_is_a_temporary_error_not_an_answer(make_instance):
    instance = make_instance(transport_maps="texthash:/nonexistent/transport")
    text = explain(instance, "x@far.test", status=75)
    assert "temporary error: texthash:/nonexistent/transport" in text
    instance.configure(transport_maps="", virtual_alias_maps="fail:broken")
    assert "temporary error: " in explain(instance, "x@far.test", status=75)


def test_a_transport_that_master_cf_does_not_have(make_instance):
    instance = make_instance(default_transport="nosuch:")
    assert "master.cf has no such service" in explain(instance, "x@far.test", status=75)


def test_a_client_from_outside_may_not_relay(make_instance):
    instance = make_instance(smtpd_relay_restrictions="permit_mynetworks, reject_unauth_destination",
                             smtpd_peername_lookup="no")
    answer = explained(instance, "x@far.test", "--from", "a@example.com", "--client", "192.0.2.1", status=2)
    admission = answer["admission"]
    assert admission["reply"] == "554 5.7.1 <x@far.test>: Relay access denied"
    relay = step(admission["steps"], "smtpd_relay_restrictions")
    assert [(entry["what"], entry["result"].split(":")[0]) for entry in relay["steps"]] == \
        [("permit_mynetworks", "go on"), ("reject_unauth_destination", "refuse")]
    answer = explained(instance, "x@far.test", "--client", "127.0.0.1")
    assert answer["admission"]["reply"].startswith("250 ")
    assert step(answer["admission"]["steps"], "mynetworks")["element"] == "127.0.0.0/8"


def test_the_answer_to_a_client_is_the_one_that_smtpd_gives(make_instance):
    access = "inline:{{bad@example.com=REJECT not you}{odd@example.com=450 4.7.1 later}}"
    instance = make_instance(smtpd_sender_restrictions=f"check_sender_access {access}", smtpd_peername_lookup="no",
                             smtpd_helo_restrictions="reject_non_fqdn_helo_hostname").start()
    for sender, helo in [("bad@example.com", "host.example"), ("odd@example.com", "host.example"),
                         ("a@example.com", "short"), ("a@example.com", "host.example")]:
        with Client(instance.smtp_port, ehlo=helo) as client:
            client.mail(sender)
            code, text = client.rcpt(f"{instance.user}@local.test")
        status = {2: 0, 4: 75, 5: 2}[code // 100]
        answer = explained(instance, f"{instance.user}@local.test", "--from", sender, "--helo", helo,
                           "--client", "127.0.0.1", status=status)
        assert answer["admission"]["reply"] == f"{code} {text}"
    text = explain(instance, f"{instance.user}@local.test", "--from", "bad@example.com", "--client", "127.0.0.1",
                   "--helo", "host.example", status=2)
    assert f'{access} has "bad@example.com": REJECT not you' in text
    assert "smtpd_recipient_restrictions: empty" in text or "smtpd_recipient_restrictions: not reached" in text


def test_an_unknown_user_is_refused_with_the_table_that_says_so(make_instance):
    instance = make_instance(local_recipient_maps="inline:{{joe=x}}", smtpd_peername_lookup="no")
    answer = explained(instance, "nobody@local.test", "--client", "192.0.2.1", status=2)
    assert "User unknown in local recipient table" in answer["admission"]["reply"]
    unlisted = step(answer["admission"]["steps"], "smtpd_reject_unlisted_recipient")
    asked = step(unlisted["steps"], "local_recipient_maps")
    assert asked["result"] == "not listed" and asked["lookups"][0]["table"] == "inline:{{joe=x}}"


def test_a_restriction_that_is_not_known_is_named(make_instance):
    instance = make_instance(smtpd_recipient_restrictions="permit_mynetwork, reject_unauth_destination",
                             smtpd_peername_lookup="no")
    text = explain(instance, "x@local.test", "--client", "192.0.2.1", status=75)
    assert "did you mean permit_mynetworks?" in text and "451 4.3.5" in text


def test_options_of_the_service_count(make_instance):
    instance = make_instance(smtpd_peername_lookup="no",
                             master="10025 inet n - n - - smtpd -o content_filter=\n"
                                    "    -o receive_override_options=no_address_mappings\n"
                                    "    -o { smtpd_client_restrictions = permit_mynetworks, reject }\n",
                             content_filter="smtp:[127.0.0.1]:10026", virtual_alias_maps="inline:{{a@local.test=b@far.test}}")
    [recipient] = explained(instance, "a@local.test")["recipients"]
    assert (recipient["recipient"], recipient["nexthop"]) == ("b@far.test", "[127.0.0.1]:10026")
    [recipient] = explained(instance, "a@local.test", "--service", "10025")["recipients"]
    assert (recipient["recipient"], recipient["transport"]) == ("a@local.test", "local")
    answer = explained(instance, "a@local.test", "--service=10025", "--client=192.0.2.1", status=2)
    assert answer["admission"]["reply"].startswith("554 5.7.1 <unknown[192.0.2.1]>: Client host rejected")


def test_nothing_is_logged_counted_or_queued(make_instance):
    instance = make_instance(smtpd_peername_lookup="no")
    instance.run("postfix", "check")
    before = instance.log()
    explain(instance, f"{instance.user}@local.test", "--client", "127.0.0.1")
    explain(instance, "x@far.test", "--client", "192.0.2.1", status=75)
    assert instance.log() == before
    for name in ("journal", "incoming", "maildrop"):
        assert not list((instance.queue / name).iterdir())


def test_wrong_questions_say_how_to_ask(make_instance):
    instance = make_instance()
    for arguments, words in [((), "one address is needed"), (("a@b", "--nosuch"), "unknown option --nosuch"),
                             (("a@b", "--client"), "--client needs a value"),
                             (("a@b", "--client", "here"), "is no IP address"),
                             (("a@b", "--service", "nosuch"), 'no smtpd service "nosuch"')]:
        assert words in explain(instance, *arguments, status=1)
