"""The texts of notifications, who gets them, VERP, and what the postmaster hears (bounce(5), notify_classes)."""
import re

import pytest
from support.messages import parsed
from support.waiting import wait_until

_TEMPLATES = """
failure_template = <<EOF
Charset: utf-8
From: Robot <MAILER-DAEMON>
Subject: It did not work
Postmaster-Subject: Somebody's did not work

Grüße von $myhostname, $mail_name.
 indented
EOF

delay_template = <<EOF
Subject: Patience

More than $delay_warning_time_seconds seconds, up to ${maximal_queue_lifetime_hours} hours
EOF

success_template = <<EOF
Subject: It got through

Done.
EOF
"""


def notification(message):
    """Header and text for people of a report."""
    report = parsed(message)
    return report, next(report.iter_parts()).get_content().replace("\r\n", "\n")


# --- texts

def test_bounce_template_file_has_other_texts(make_relay, sink):
    relay = make_relay(notify_classes="bounce", bounce_notice_recipient="chief@back.test")
    relay.configure(bounce_template_file=relay.table("templates", _TEMPLATES))
    relay.start()
    relay.sendmail("-f", "ann@back.test", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
    messages = {message.recipients[0]: message for message in sink.wait_for(2)}
    report, text = notification(messages["ann@back.test"])
    assert report["Subject"] == "It did not work"
    assert report["From"] == "Robot <MAILER-DAEMON@mail.local.test>"
    assert text.startswith("Grüße von mail.local.test, Postfix.\n indented\n\n<bob@closed.test>: closed for good\n")
    copy, text = notification(messages["chief@back.test"])
    assert copy["Subject"] == "Somebody's did not work"
    assert copy["Auto-Submitted"] == "auto-generated"
    assert text.strip() == "<bob@closed.test>: closed for good"


def test_a_template_that_is_wrong_is_left_out_with_a_warning(make_relay, sink):
    relay = make_relay()
    relay.configure(bounce_template_file=relay.table("templates", "failure_template = <<EOF\nSubject: x\nEOF\n"))
    relay.expect_problem("missing message text in failure template -- ignoring this template")
    relay.start()
    relay.sendmail("-f", "ann@back.test", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
    assert notification(sink.wait_for(1)[0])[0]["Subject"] == "Undelivered Mail Returned to Sender"


def test_smtputf8_enable_decides_the_charset_of_the_built_in_texts(make_relay, sink):
    relay = make_relay().start()
    relay.sendmail("-f", "ann@back.test", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
    assert b"Content-Type: text/plain; charset=utf-8\r\n" in sink.wait_for(1)[0].content
    relay.configure(smtputf8_enable="no")
    relay.reload()
    relay.sendmail("-f", "ann@back.test", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
    assert b"Content-Type: text/plain; charset=us-ascii\r\n" in sink.wait_for(2)[1].content


def test_postconf_t_prints_templates_that_postconf_b_reads(instance):
    templates = instance.run("postconf", "-t").stdout.decode()
    assert re.findall(r"^(\w+) = <<EOF$", templates, re.M) == [
        "failure_template", "delay_template", "success_template", "verify_template"]
    assert "Postmaster-Subject: Postmaster Copy: Undelivered Mail\n\nThis is the mail system at host $myhostname.\n" \
        in templates
    again = instance.run("postconf", "-t", instance.table("again", templates)).stdout.decode()
    assert again == templates
    assert instance.run("postconf", "-b").stdout == instance.run("postconf", "-b", instance.directory / "again").stdout


def test_postconf_b_prints_the_texts_as_they_are_sent(instance):
    file = instance.table("templates", _TEMPLATES)
    instance.configure(delay_warning_time="30m", maximal_queue_lifetime="2d")
    text = instance.run("postconf", "-b", file).stdout.decode()
    assert text.startswith("expanded_failure_text = <<EOF\nGrüße von mail.local.test, Postfix.\n indented\nEOF\n\n"
                           "expanded_delay_text = <<EOF\nMore than 1800 seconds, up to 48 hours\nEOF\n\n"
                           "expanded_success_text = <<EOF\nDone.\nEOF\n\nexpanded_verify_text = <<EOF\n")
    instance.configure(bounce_template_file=file)
    assert instance.run("postconf", "-b").stdout.decode() == text
    assert "This is the mail system at host mail" in instance.run("postconf", "-b", "").stdout.decode()

    result = instance.run("postconf", "-b")
    assert b"zero result in delay template" not in result.stderr
    file.write_text("delay_template = <<EOF\nSubject: x\n\n$delay_warning_time_days\nEOF\n")
    assert b'zero result in delay template conversion of parameter "delay_warning_time_days"' in \
        instance.run("postconf", "-b").stderr


@pytest.mark.parametrize("text, complaint", [
    ("failure_template = <<EOF\nSubject: x\n\n$nosuch\nEOF\n", "undefined $name in failure template: $nosuch"),
    ("bogus\n", "line 2: missing '=' after attribute name: \"bogus\""),
])
def test_postconf_b_refuses_what_cannot_be_expanded(instance, text, complaint):
    file = instance.table("templates", text)
    result = instance.run("postconf", "-b", file, check=False)
    assert result.returncode == 1
    assert f"fatal: {file}" in result.stderr.decode() and complaint in result.stderr.decode()


@pytest.mark.parametrize("threaded", ["yes", "no"])
def test_enable_threaded_bounces(make_relay, sink, threaded):
    relay = make_relay(enable_threaded_bounces=threaded).start()
    relay.sendmail("-f", "ann@back.test", "bob@closed.test", stdin="Message-ID: <mid@here>\n\ntext\n")
    report = parsed(sink.wait_for(1)[0])
    expected = "<mid@here>" if threaded == "yes" else None
    assert (report["References"], report["In-Reply-To"]) == (expected, expected)


# --- who gets them

def test_delay_notice_recipient_gets_copies_of_delay_warnings(make_relay, sink):
    relay = make_relay(delay_warning_time="1s", minimal_backoff_time="1s", maximal_backoff_time="1s",
                       notify_classes="delay", delay_notice_recipient="chief@back.test").start()
    relay.sendmail("-f", "ann@back.test", "bob@slow.test", stdin="Subject: hi\n\ntext\n")
    reports = {message.recipients[0]: parsed(message)["Subject"] for message in sink.wait_for(2)}
    assert reports == {"ann@back.test": "Delayed Mail (still being retried)",
                       "chief@back.test": "Postmaster Warning: Delayed Mail"}


def test_double_bounce_sender_is_the_sender_of_notices_and_gets_no_mail(make_relay, sink):
    relay = make_relay(notify_classes="2bounce", double_bounce_sender="nobody-home",
                       **{"2bounce_notice_recipient": "chief@back.test"}).start()
    relay.sendmail("-f", "<>", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
    message = sink.wait_for(1)[0]
    assert message.sender == "nobody-home@mail.local.test"
    assert b"X-Postfix-Sender: rfc822; MAILER-DAEMON@" in message.content
    assert b"text" in message.content


@pytest.mark.parametrize("confirm", ["yes", "no"])
def test_confirm_delay_cleared_tells_the_sender_who_was_warned(make_relay, sink, confirm):
    relay = make_relay(delay_warning_time="1s", minimal_backoff_time="1s", maximal_backoff_time="1s",
                       confirm_delay_cleared=confirm).start()
    sink.replies["RCPT"] = lambda recipient: "450 4.2.1 wait" if recipient == "bob@back.test" else None
    relay.sendmail("-f", "ann@back.test", "bob@back.test", stdin="Subject: hi\n\ntext\n")
    assert parsed(sink.wait_for(1)[0])["Subject"] == "Delayed Mail (still being retried)"
    relay.wait_for_log(r"to=<bob@back.test>.*status=deferred", count=relay.log().count("status=deferred") + 1)
    sink.replies.clear()
    queue_id = relay.wait_for_log(r": (\w+): to=<bob@back\.test>.*status=sent").group(1)
    relay.wait_for_log(rf"{queue_id}: removed")
    relay.wait_until_queue_empty()
    subjects = [parsed(message)["Subject"] for message in sink.messages]
    assert subjects[1:] == (["hi", "Successful Mail Delivery Report"] if confirm == "yes" else ["hi"])
    if confirm == "yes":
        text = notification(sink.messages[-1])[1]
        assert re.search(r"^<bob@back\.test>: delivery via 127\.0\.0\.1\[127\.0\.0\.1\]:\d+: 250 ", text, re.M)


# --- VERP

def test_sendmail_xv_sends_to_each_recipient_from_an_address_of_its_own(make_relay, sink):
    relay = make_relay(default_verp_delimiters="-=").start()
    relay.sendmail("-XV", "-f", "list@back.test", "bob@back.test", "cee@back.test", stdin="Subject: hi\n\ntext\n")
    assert {message.sender for message in sink.wait_for(2)} == {"list-bob=back.test@back.test",
                                                                "list-cee=back.test@back.test"}
    relay.sendmail("-XV+=", "-f", "list@back.test", "bob@back.test", stdin="Subject: hi\n\ntext\n")
    assert sink.wait_for(3)[2].sender == "list+bob=back.test@back.test"


def test_verp_delimiter_filter_says_which_delimiters_are_allowed(make_relay, sink):
    relay = make_relay(verp_delimiter_filter="#=", default_verp_delimiters="#=").start()
    relay.expect_problem("-V requires two characters")
    refused = relay.sendmail("-XV+=", "-f", "list@back.test", "bob@back.test", check=False)
    assert refused.returncode == 75
    assert refused.stderr == b"sendmail: fatal: -V requires two characters from #=\n"
    relay.sendmail("-XV#=", "-f", "list@back.test", "bob@back.test", stdin="Subject: hi\n\ntext\n")
    assert sink.wait_for(1)[0].sender == "list#bob=back.test@back.test"


def test_xverp_is_for_authorized_clients(make_relay, sink):
    relay = make_relay().start()
    with relay.smtp() as client:
        assert "XVERP" not in client.extensions
        assert client.mail("list@back.test", "XVERP") == (555, "5.5.4 Unsupported option: XVERP")
    relay.configure(smtpd_authorized_verp_clients="127.0.0.1")
    relay.reload()
    with relay.smtp() as client:
        assert "XVERP" in client.extensions
        wrong = (501, "5.5.4 Error: XVERP needs two characters from -=+")
        assert client.mail("list@back.test", "XVERP=ab") == wrong
        assert client.mail("list@back.test", "XVERP=+") == wrong
        assert client.mail("", "XVERP") == (503, "5.5.4 Error: XVERP requires non-null sender")
        client.mail("list@back.test", "XVERP"), client.rcpt("bob@back.test"), client.rcpt("cee@back.test")
        client.data(b"Subject: hi\r\n\r\ntext\r\n")
    assert {message.sender for message in sink.wait_for(2)} == {"list+bob=back.test@back.test",
                                                                "list+cee=back.test@back.test"}


@pytest.mark.parametrize("disable, told", [("no", {"list+bob=closed.test@back.test", "list+cee=closed.test@back.test"}),
                                           ("yes", {"list@back.test"})])
def test_disable_verp_bounces(make_relay, sink, disable, told):
    relay = make_relay(disable_verp_bounces=disable).start()
    relay.sendmail("-XV", "-f", "list@back.test", "bob@closed.test", "cee@closed.test", stdin="Subject: hi\n\ntext\n")
    messages = sink.wait_for(len(told))
    relay.wait_until_queue_empty()
    assert {message.recipients[0] for message in messages} == told
    assert len(sink.messages) == len(told)
    assert b"X-Postfix-Sender: rfc822; list@back.test\r\n" in messages[0].content


# --- what the postmaster hears

def _talk(instance, *lines):
    with instance.smtp() as client:
        for line in lines:
            client.send(line.encode() + b"\r\n")
            client.reply()


_TROUBLE = {
    "protocol": ["FOO bar"],
    "policy": ["MAIL FROM:<bad@x.test>", "RCPT TO:<bob@back.test>"],
    "data": ["MAIL FROM:<unsure@x.test>", "RCPT TO:<bob@back.test>"],
}


@pytest.mark.parametrize("error_class", _TROUBLE)
def test_notify_classes_send_a_transcript_of_the_session(make_relay, sink, error_class):
    restrictions = "check_sender_access inline:{{bad@x.test=REJECT}}, check_sender_access fail:broken"
    relay = make_relay(notify_classes=error_class, error_notice_recipient="chief@back.test",
                       smtpd_sender_restrictions=restrictions)
    relay.expect_problem("broken")
    relay.start()
    for other, lines in _TROUBLE.items():
        if other != error_class:
            _talk(relay, *lines)
    _talk(relay, *_TROUBLE[error_class])
    message = sink.wait_for(1)[0]
    relay.wait_until_queue_empty()
    assert len(sink.messages) == 1
    assert (message.sender, message.recipients) == ("double-bounce@mail.local.test", ("chief@back.test",))
    notice = parsed(message)
    assert notice["From"] == "Mail Delivery System <MAILER-DAEMON@mail.local.test>"
    assert notice["To"] == "Postmaster <chief@back.test>"
    assert notice["Subject"] == "Postfix SMTP server: errors from localhost[127.0.0.1]"
    text = notice.get_content().replace("\r\n", "\n")
    assert text.startswith("Transcript of session follows.\n\n Out: 220 mail.local.test ESMTP ")
    assert " In:  EHLO client.test\n Out: 250-mail.local.test\n Out: 250-PIPELINING\n" in text
    assert f" In:  {_TROUBLE[error_class][-1]}\n Out: {'5' if error_class != 'data' else '4'}" in text
    assert text.endswith(" In:  QUIT\n Out: 221 2.0.0 Bye\n\n\nFor other details, see the local mail logfile\n")


def test_a_session_that_is_ended_says_why(make_relay, sink):
    relay = make_relay(notify_classes="protocol", error_notice_recipient="chief@back.test", smtpd_hard_error_limit=2,
                       smtpd_error_sleep_time="0s").start()
    with relay.smtp() as client:
        client.send(b"FOO\r\n")
        client.reply()
        client.send(b"BAR\r\n")
        client.reply(), client.reply()
        client.close()
    text = parsed(sink.wait_for(1)[0]).get_content().replace("\r\n", "\n")
    assert text.endswith(" Out: 421 4.7.0 mail.local.test Error: too many errors\n\n"
                         "Session aborted, reason: too many errors\n\nFor other details, see the local mail logfile\n")


def test_a_server_that_does_not_know_smtp_is_told_of(make_relay, sink):
    relay = make_relay(notify_classes="protocol", error_notice_recipient="chief@back.test").start()
    sink.replies["MAIL"] = lambda sender: "500 what is that" if sender == "ann@x.test" else None
    relay.sendmail("-f", "ann@x.test", "-N", "never", "bob@back.test", stdin="Subject: hi\n\nsecret\n")
    notice = parsed(sink.wait_for(1)[0])
    assert re.fullmatch(r"Postfix SMTP client: errors from 127\.0\.0\.1\[127\.0\.0\.1\]:\d+", notice["Subject"])
    text = notice.get_content().replace("\r\n", "\n")
    assert re.match(r"Unexpected response from 127\.0\.0\.1\[127\.0\.0\.1\]:\d+\.\n\nTranscript of session follows\.\n\n"
                    r" In:  220 sink\.test .*\n Out: EHLO mail\.local\.test\n In:  250-sink\.test\n", text)
    assert " Out: MAIL FROM:<ann@x.test> SIZE=" in text and " In:  500 what is that\n" in text
    assert "secret" not in text


def test_a_server_that_refuses_the_notice_about_it_gets_no_other_one(make_relay, sink):
    relay = make_relay(notify_classes="protocol", error_notice_recipient="chief@back.test")
    senders = []
    sink.replies["MAIL"] = lambda sender: senders.append(sender) or "500 what is that"
    relay.start()
    relay.sendmail("-f", "ann@x.test", "-N", "never", "bob@back.test", stdin="Subject: hi\n\ntext\n")
    relay.wait_for_log("undeliverable postmaster notification discarded")
    relay.wait_until_queue_empty()
    assert senders == ["ann@x.test", "double-bounce@mail.local.test"]


def test_without_notify_classes_the_postmaster_hears_nothing(make_relay, sink):
    relay = make_relay(notify_classes="").start()
    _talk(relay, "FOO")
    relay.sendmail("-f", "<>", "bob@closed.test", stdin="Subject: hi\n\ntext\n")
    relay.wait_for_log(r"qmgr\[\d+\]: \w+: removed")
    wait_until(relay.queue_is_empty, "an empty queue")
    assert not sink.messages


@pytest.mark.parametrize("threshold, remembers", [(4, False), (100, True)])
def test_smtpd_history_flush_threshold_is_how_much_of_a_session_is_remembered(make_relay, sink, threshold, remembers):
    relay = make_relay(notify_classes="protocol", error_notice_recipient="chief@back.test",
                       smtpd_history_flush_threshold=threshold).start()
    with relay.smtp() as client:
        for command in ["NOOP early", "NOOP early", "RSET", "NONSENSE", "NOOP late", "RSET"]:
            client.command(command)
    text = sink.wait_for(1)[0].content
    assert b"In:  NONSENSE" in text and b"In:  NOOP late" in text
    assert (b"In:  NOOP early" in text) == remembers
