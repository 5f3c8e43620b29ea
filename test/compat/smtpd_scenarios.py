"""SMTP dialogues that are held with Debian's Postfix (recorded) and with ours (compared).

A scenario is main.cf settings and steps. A step is a line to send (CRLF is added), or a list of lines that go out in
one write (each gets a reply), or bytes that are sent as they are and get one reply, or CONNECT (another connection
in the same instance, its banner is the reply).
"""
CONNECT = "<connect>"
HELLO = "EHLO client.test"
FROM = "MAIL FROM:<a@example.com>"
TO = "RCPT TO:<bin@local.test>"
OUTSIDE = {"mynetworks": "192.0.2.0/24"}        # makes the client, which comes from 127.0.0.1, a stranger


def data(text):
    """A message body with its final dot, as one write with one reply."""
    return (text + "\r\n.\r\n").encode("latin-1")


def access(*rules):
    """A check_recipient_access table: ("user", "action text") pairs."""
    return "check_recipient_access inline:{" + ", ".join(f"{{{user}@local.test = {action}}}" for user, action in
                                                         rules) + "}"


_ADDRESSES = [
    "<>", "<a@example.com>", " <a@example.com>", "a@example.com", " a@example.com", "<a@example.com", "a@example.com>",
    "<a b@example.com>", '<"a b"@example.com>', '<"a b@example.com>', "<@>", "<a@>", "<@example.com>",
    "<a@b@example.com>", "<@one.test,@two.test:a@example.com>", "<@one.test:a@example.com>", "<a@[127.0.0.1]>",
    "<a@[127.0.0.300]>", "<a@[IPv6:::1]>", "<a@127.0.0.1>", "<a@example..com>", "<a@-example.com>", "<a@.example.com>",
    "<a@example.com.>", "<a.@example.com>", "<.a@example.com>", "<a..b@example.com>", "<a>", "<a%example.com@local.test>",
    "<example.com!a>", "<a@exam_ple.com>", "<a(comment)@example.com>", "Full Name <a@example.com>",
    "<a@example.com>trailing", "<a@example.com> trailing", "<\\a@example.com>", "<a,b@example.com>", "<a;b@example.com>",
    "<a:b@example.com>", "<" + "a" * 70 + "@example.com>", "<" + "a" * 300 + "@example.com>",
    "<a@" + "b" * 64 + ".example.com>", "<a@" + ".".join(["bcdefghij"] * 30) + ">", "<\xe4@example.com>",
    "<a@\xe4.example.com>", "<\x01@example.com>", "<a@example.com\t>", "<|cat@example.com>", "</etc/passwd>",
    "<-a@example.com>", "<a@localhost>", "<a@example>", "<a@*.example.com>",
]

_U = "\xc3\xbc"                                     # u with two dots, in UTF-8
_UTF8_STEPS = [
    HELLO, f"MAIL FROM:<{_U}@example.com> SMTPUTF8", f"RCPT TO:<{_U}@elsewhere.test>", f"RCPT TO:<a@{_U}.test>",
    f"RCPT TO:<a@xn--tda.test>", f"RCPT TO:<{_U}@local.test>", TO, "DATA", data(f"Subject: {_U}\r\n\r\n{_U}"), f"MAIL FROM:<a@{_U}.test>", "RSET", f"MAIL FROM:<{_U}@example.com>", "RSET", FROM,
    f"RCPT TO:<{_U}@elsewhere.test>", f"RCPT TO:<a@{_U}.test>", f"RCPT TO:<{_U}@local.test>", TO, "RSET",
    f"MAIL FROM:<{_U}@example.com> SMTPUTF8 SIZE=10 BODY=8BITMIME", "RSET", f"{FROM} SMTPUTF8 SMTPUTF8", "RSET",
    f"{FROM} smtputf8", f"RCPT TO:<{_U}@elsewhere.test> ORCPT=utf-8;{_U}@elsewhere.test", "RSET",
    f"{FROM} SMTPUTF8 ENVID={_U}", "RSET", f"MAIL FROM:<a@\xe4.test> SMTPUTF8", "RSET", f"MAIL FROM:<a@{_U}_.test> SMTPUTF8",
    "RSET", f"MAIL FROM:<a@{_U * 40}.test> SMTPUTF8", "RSET", f"MAIL FROM:<a@-{_U}.test> SMTPUTF8", "RSET",
    f"VRFY a@{_U}.test", f"VRFY a@{_U}.test SMTPUTF8", f"VRFY {_U}@elsewhere.test", f"VRFY {_U}@elsewhere.test SMTPUTF8", f"VRFY <{_U}@elsewhere.test> SMTPUTF8",
    "VRFY a@elsewhere.test SMTPUTF8", f"ETRN {_U}.test", "QUIT"]
_MANY = {"smtpd_hard_error_limit": 200, "smtpd_error_sleep_time": "0"}

SCENARIOS = {
    "smtputf8": (_MANY, _UTF8_STEPS),
    "smtputf8-strict": (_MANY | {"strict_smtputf8": True}, _UTF8_STEPS),
    "smtputf8-off": (_MANY | {"smtputf8_enable": False}, _UTF8_STEPS[:2] + _UTF8_STEPS[9:]),
    "smtputf8-not-offered": (_MANY | {"smtpd_discard_ehlo_keywords": "smtputf8"},
                             _UTF8_STEPS[:2] + _UTF8_STEPS[9:]),
    "smtputf8-off-strict": (_MANY | {"smtputf8_enable": False, "strict_smtputf8": True}, _UTF8_STEPS[:1] + _UTF8_STEPS[9:19]),
    "options-not-offered": ({"smtpd_discard_ehlo_keywords": "dsn, size, 8bitmime"},
                            [HELLO, f"{FROM} RET=FULL", "RSET", f"{FROM} SIZE=1", "RSET", f"{FROM} BODY=8BITMIME", "RSET",
                             f"{FROM} ENVID=x", FROM, f"{TO} NOTIFY=NEVER", f"{TO} ORCPT=rfc822;a@example.com"]),
    "smtputf8-after-helo": (_MANY, ["HELO client.test", *_UTF8_STEPS[1:7]]),
    "smtputf8-hello": (_MANY, [f"EHLO {_U}.test", f"HELO {_U}.test", f"EHLO \xe4.test"]),
    "greeting": ({}, ["HELO", "HELO client.test", "EHLO", "EHLO client.test", "HELO [127.0.0.1]", "EHLO a b c",
                      "HELO \xe4.test", "HELO <a>", "HELO " + "h" * 300, "QUIT"]),
    "greeting-long-ehlo": ({}, ["EHLO " + "h" * 600, "EHLO -client", "EHLO client_test", "EHLO (comment)", "QUIT now"]),
    "ehlo-keywords-discarded": ({"smtpd_discard_ehlo_keywords": "dsn, etrn, smtputf8, chunking, vrfy"},
                                [HELLO, "VRFY bin", "ETRN local.test"]),
    "size-not-limited": ({"message_size_limit": 0}, [HELLO]),
    "sequence": ({}, ["RCPT TO:<bin@local.test>", "DATA", FROM, "DATA", FROM, "RSET", "RSET now", "NOOP", "NOOP a b",
                      "HELP", "HELP DATA", "QUIT"]),
    "sequence-within-transaction": ({}, [HELLO, FROM, TO, HELLO, TO, FROM, TO, "HELO client.test", "DATA", FROM, TO,
                                         "DATA now", "VRFY bin", "NOOP", TO, "RSET", "DATA"]),
    "helo-required": ({"smtpd_helo_required": True}, [FROM, TO, "NOOP", "HELP", "VRFY bin", "ETRN local.test", HELLO,
                                                      FROM]),
    "unknown-commands": ({"smtpd_hard_error_limit": 100, "smtpd_error_sleep_time": "0"},
                         ["FOO", "foo bar", "", " ", " NOOP", "NOOP ", "noop", "Data", "EXPN bin", "TURN", "SEND", "SAML",
                          "STARTTLS", "AUTH PLAIN", "AUTH", "XCLIENT ADDR=1.2.3.4", "XFORWARD NAME=x",
                          "XVERP", "BDAT 10", "BDAT", "BDAT x LAST", "MAIL", "RCPT", "QUIT"]),
    "vrfy": ({"smtpd_hard_error_limit": 100, "smtpd_error_sleep_time": "0"},
             ["VRFY", "VRFY bin", "VRFY bin@local.test", "VRFY <bin@local.test>", "VRFY nobody-here@local.test",
              "VRFY a@elsewhere.test", "VRFY a b", "VRFY <a b@local.test>", "VRFY <", "VRFY @", "VRFY <>", HELLO,
              "VRFY bin SMTPUTF8", "VRFY bin FOO"]),
    "vrfy-disabled": ({"disable_vrfy_command": True}, [HELLO, "VRFY bin"]),
    "vrfy-stranger": (OUTSIDE, ["VRFY bin", "VRFY a@elsewhere.test", "VRFY none@local.test"]),
    "etrn": ({}, ["ETRN local.test", HELLO, "ETRN", "ETRN local.test", "ETRN a b", "ETRN -x", "ETRN #queue"]),
    "etrn-sites": ({"relay_domains": "relay.test", "smtpd_hard_error_limit": 100, "smtpd_error_sleep_time": "0"},
                   [HELLO, *[f"ETRN {site}" for site in [
                       "relay.test", "RELAY.test", "sub.relay.test", "@relay.test", "#relay.test", "other.test", "relay",
                       "a_b.test", "relay.test.", ".relay.test", "a..b", "a@relay.test", "<relay.test>", "127.0.0.9",
                       "[127.0.0.9]", "[127.0.0.300]", "[IPv6:::1]", "*", "@", "#", "@-x", "@@relay.test", "\xe4.test"]],
                    FROM, "ETRN relay.test", "ETRN", "RSET", "ETRN relay.test"]),
    "etrn-subdomains-apart": ({"relay_domains": "relay.test", "parent_domain_matches_subdomains": ""},
                              [HELLO, "ETRN sub.relay.test", "ETRN relay.test"]),
    "etrn-no-site": ({"fast_flush_domains": "", "relay_domains": "relay.test"}, [HELLO, "ETRN relay.test"]),
    "etrn-sites-unknown": ({"fast_flush_domains": "texthash:/nonexistent/file"}, [HELLO, "ETRN relay.test"]),
    "etrn-restrictions": (
        {"relay_domains": "relay.test, other.test, later.test, drop.test, hold.test, maybe.test", "smtpd_etrn_restrictions":
         "check_etrn_access inline:{{relay.test = REJECT no}, {other.test = OK}, {later.test = 450 later}, "
         "{drop.test = DISCARD}, {hold.test = HOLD}, {maybe.test = DEFER_IF_PERMIT maybe}}, warn_if_reject reject",
         "smtpd_sender_restrictions": "reject", "smtpd_recipient_restrictions": "reject"},
        [HELLO, *[f"ETRN {site}.test" for site in
                  ["relay", "sub.relay", "other", "later", "drop", "hold", "maybe", "foreign"]]]),
    "etrn-restrictions-bare-table": ({"relay_domains": "relay.test, other.test", "smtpd_etrn_restrictions":
                                      "inline:{{relay.test = OK}}, defer"}, [HELLO, "ETRN relay.test", "ETRN other.test"]),
    "etrn-client-rejected": ({"relay_domains": "relay.test", "smtpd_client_restrictions": "reject",
                              "smtpd_etrn_restrictions": "permit_mynetworks"}, [HELLO, "ETRN relay.test"]),
    "etrn-helo-rejected": ({"relay_domains": "relay.test", "smtpd_helo_restrictions": "reject"},
                           [HELLO, "ETRN relay.test"]),
    "http-client": ({}, ["GET / HTTP/1.1"]),
    "http-proxy-client": ({}, ["CONNECT mail.local.test:25 HTTP/1.0"]),
    "http-post-client": ({}, ["POST / HTTP/1.1"]),
    "header-client": ({}, ["Subject: hello"]),
    "mail-syntax": ({"smtpd_hard_error_limit": 200, "smtpd_error_sleep_time": "0"},
                    [HELLO, "MAIL", "MAIL FROM", "MAIL FROM:", "MAIL FROM: ", "MAIL FROM :<a@example.com>", "MAIL <a@b.c>",
                     "MAIL TO:<a@b.c>", "mail from:<a@example.com>", "RSET",
                     *[step for address in _ADDRESSES for step in (f"MAIL FROM:{address}", "RSET")]]),
    "mail-options": ({"smtpd_hard_error_limit": 200, "smtpd_error_sleep_time": "0"},
                     [HELLO, *[step for option in [
                         "SIZE=1", "SIZE=10240000", "SIZE=10240001", "SIZE=99999999999999999999", "SIZE=x", "SIZE=",
                         "SIZE=-1", "SIZE", "BODY=8BITMIME", "BODY=7BIT", "BODY=8bitmime", "BODY=BINARYMIME", "BODY=",
                         "FOO=1", "FOO", "SIZE=1 BODY=7BIT", "RET=HDRS", "RET=FULL", "RET=NONE", "RET=HDRS RET=HDRS",
                         "ENVID=abc", "ENVID=a+3Db", "ENVID=", "ENVID=a=b", "SMTPUTF8", "SMTPUTF8=1", "AUTH=<>",
                         "XVERP", "MT-PRIORITY=3", "BY=60;R", "REQUIRETLS"] for step in (f"{FROM} {option}", "RSET")]]),
    "mail-options-after-helo": ({}, ["HELO client.test", f"{FROM} SIZE=1", "RSET", f"{FROM} BODY=8BITMIME"]),
    "mail-strict": ({"strict_rfc821_envelopes": True, "smtpd_hard_error_limit": 200, "smtpd_error_sleep_time": "0"},
                    [HELLO, *[step for address in _ADDRESSES[:35] for step in (f"MAIL FROM:{address}", "RSET")]]),
    "rcpt-syntax": ({"smtpd_hard_error_limit": 200, "smtpd_error_sleep_time": "0"},
                    [HELLO, FROM, "RCPT", "RCPT TO", "RCPT TO:", "RCPT TO:<>", "RCPT FROM:<a@b.c>", "RCPT TO: bin",
                     "RCPT TO:bin@local.test", "RCPT TO:<bin>", "RCPT TO:<BIN@LOCAL.TEST>", "RCPT TO:<postmaster>",
                     "RCPT TO:<Postmaster@local.test>", "RCPT TO:<bin+ext@local.test>", "RCPT TO:<bin@[127.0.0.1]>",
                     "RCPT TO:<@local.test:bin@local.test>", "RCPT TO:<bin%local.test@local.test>",
                     "RCPT TO:<local.test!bin>", "RCPT TO:<bin@mail.local.test>", "RCPT TO:<bin@localhost>",
                     *[f"RCPT TO:{address}" for address in _ADDRESSES]]),
    "rcpt-options": ({"smtpd_hard_error_limit": 200, "smtpd_error_sleep_time": "0"},
                     [HELLO, FROM, *[f"{TO} {option}" for option in [
                         "NOTIFY=NEVER", "NOTIFY=SUCCESS,FAILURE", "NOTIFY=NEVER,DELAY", "NOTIFY=foo", "NOTIFY=",
                         "ORCPT=rfc822;a@b.c", "ORCPT=rfc822;a+2Bb@b.c", "ORCPT=x", "ORCPT=rfc822;", "FOO=1", "FOO"]]]),
    "recipients-local": ({"smtpd_hard_error_limit": 100, "smtpd_error_sleep_time": "0"},
                         [HELLO, FROM, "RCPT TO:<nobody-here@local.test>", "RCPT TO:<nobody-here>",
                          "RCPT TO:<nobody-here+x@local.test>", "RCPT TO:<Nobody-Here@Local.Test>", TO,
                          "RCPT TO:<a@elsewhere.test>", "DATA"]),
    "recipients-none-valid": ({}, [HELLO, FROM, "RCPT TO:<nobody-here@local.test>", "DATA", "RSET"]),
    "recipients-stranger": (OUTSIDE | {"smtpd_hard_error_limit": 100, "smtpd_error_sleep_time": "0"},
                            [HELLO, FROM, TO, "RCPT TO:<nobody-here@local.test>", "RCPT TO:<a@elsewhere.test>",
                             "RCPT TO:<a%elsewhere.test@local.test>", "RCPT TO:<elsewhere.test!a>",
                             "RCPT TO:<@local.test:a@elsewhere.test>", "RCPT TO:<\"a@elsewhere.test\"@local.test>",
                             "RCPT TO:<postmaster>", "RCPT TO:<>"]),
    "recipients-by-class": (OUTSIDE | {
        "virtual_alias_domains": "alias.test", "virtual_alias_maps": "inline:{a@alias.test=bin@local.test}",
        "virtual_mailbox_domains": "box.test", "virtual_mailbox_maps": "inline:{a@box.test=a/}",
        "virtual_mailbox_base": "/nonexistent", "virtual_uid_maps": "static:2", "virtual_gid_maps": "static:2",
        "relay_domains": "relay.test, open-relay.test", "relay_recipient_maps": "inline:{a@relay.test=x}",
        "smtpd_hard_error_limit": 100, "smtpd_error_sleep_time": "0"},
        [HELLO, FROM, *[f"RCPT TO:<{user}@{domain}>" for domain in
                        ["alias.test", "box.test", "relay.test", "sub.relay.test", "elsewhere.test"] for user in
                        ["a", "unknown"]]]),
    "local-recipients-table-broken": ({"local_recipient_maps": "texthash:/nonexistent/file"}, [HELLO, FROM, TO, "DATA"]),
    "any-local-recipient": ({"local_recipient_maps": ""}, [HELLO, FROM, "RCPT TO:<nobody-here@local.test>"]),
    "unlisted-sender": ({"smtpd_reject_unlisted_sender": True},
                        [HELLO, "MAIL FROM:<nobody-here@local.test>", TO]),
    "soft-bounce": (OUTSIDE | {"soft_bounce": True}, [HELLO, FROM, "RCPT TO:<nobody-here@local.test>",
                                                      "RCPT TO:<a@elsewhere.test>", "FOO", "DATA"]),
    "size-declared": ({"message_size_limit": 1000}, [HELLO, f"{FROM} SIZE=1000", "RSET", f"{FROM} SIZE=1001", FROM]),
    "size-exceeded": ({"message_size_limit": 1000}, [HELLO, FROM, TO, "DATA",
                                                     data("Subject: big\r\n\r\n" + ("x" * 70 + "\r\n") * 40), "NOOP"]),
    "recipient-limit": ({"smtpd_recipient_limit": 2}, [HELLO, FROM, TO, "RCPT TO:<root@local.test>",
                                                       "RCPT TO:<daemon@local.test>", "DATA",
                                                       data("Subject: two\r\n\r\ntext")]),
    "recipient-overshoot": ({"smtpd_recipient_limit": 1, "smtpd_recipient_overshoot_limit": 2,
                             "smtpd_error_sleep_time": "0"}, [HELLO, FROM, *[TO] * 5]),
    "hard-error-limit": ({"smtpd_hard_error_limit": 3, "smtpd_error_sleep_time": "0"}, [HELLO, "A", "B", "C"]),
    "junk-limit": ({"smtpd_junk_command_limit": 3, "smtpd_hard_error_limit": 4, "smtpd_error_sleep_time": "0"},
                   [HELLO, *["NOOP"] * 8]),
    "pipelined": ({}, [HELLO, [FROM, TO, "RCPT TO:<nobody-here@local.test>", "DATA"],
                       data("Subject: hello\r\n\r\ntext"), [FROM, TO, "RSET", "NOOP", "QUIT"]]),
    "pipelined-before-helo": ({"smtpd_data_restrictions": "reject_unauth_pipelining"},
                              [["HELO client.test", FROM, TO, "DATA"]]),
    "pipelining-forbidden": ({"smtpd_forbid_unauth_pipelining": True}, [["HELO client.test", FROM]]),
    "message": ({}, [HELLO, FROM, TO, "DATA", data("Subject: hello\r\n\r\ntext"), FROM, TO, "DATA", b".\r\n", FROM, TO, "DATA",
                     data("..dot\r\n...\r\n\r\n..x"), "QUIT"]),
    "message-null-sender": ({}, [HELLO, "MAIL FROM:<>", TO, "DATA", data("Subject: hello\r\n\r\ntext")]),
    "message-after-helo": ({}, ["HELO client.test", FROM, TO, "DATA", data("x")]),
    "message-hop-limit": ({}, [HELLO, FROM, TO, "DATA", data("Received: by x\r\n" * 51 + "\r\ntext")]),
    "message-long-line": ({}, [HELLO, FROM, TO, "DATA", data("Subject: long\r\n\r\n" + "x" * 5000)]),
    "message-nul": ({}, [HELLO, FROM, TO, "DATA", data("Subject: nul\r\n\r\na\0b")]),
    "bare-newline-rejected": ({"smtpd_forbid_bare_newline": "reject", "smtpd_forbid_bare_newline_exclusions": ""},
                              [HELLO, FROM, TO, "DATA", b"Subject: x\r\n\r\na\nb\r\n.\r\n"]),
    "bare-newline-normalized": ({"smtpd_forbid_bare_newline": "normalize", "smtpd_forbid_bare_newline_exclusions": ""},
                                [HELLO, FROM, TO, "DATA", b"Subject: x\r\n\r\na\nb\r\n.\r\n"]),
    "commands-bare-newline": ({}, [b"EHLO client.test\n", b"MAIL FROM:<a@example.com>\n", b"NOOP\r\r\n", b"NOOP\r x\r\n"]),
    "long-command": ({}, [HELLO, "NOOP " + "x" * 1000, "NOOP " + "x" * 2042, "NOOP " + "x" * 2043, "NOOP " + "x" * 5000,
                          "NOOP", "MAIL FROM:<" + "x" * 2100 + "@example.com>"]),
    "nul-in-command": ({}, [b"NOOP\0x\r\n", b"\0\r\n", b"\xff\xfe\xfd\r\n", b"MAIL FROM:<a\0b@example.com>\r\n", "NOOP"]),
    "helo-restrictions": ({"smtpd_helo_restrictions": "reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname",
                           "smtpd_delay_reject": False},
                          ["HELO a@b", "HELO -", "HELO a..b", "HELO host", "HELO [127.0.0.1]", "HELO 127.0.0.1",
                           "HELO host.test", "EHLO host"]),
    "helo-restrictions-delayed": ({"smtpd_helo_restrictions": "reject_non_fqdn_helo_hostname"}, ["HELO host", FROM, TO]),
    "fqdn-restrictions": ({"smtpd_sender_restrictions": "reject_non_fqdn_sender",
                           "smtpd_recipient_restrictions": "reject_non_fqdn_recipient, reject_unauth_destination"},
                          [HELLO, "MAIL FROM:<a@example>", TO, "RSET", "MAIL FROM:<a>", TO, "RSET", "MAIL FROM:<>", TO,
                           "RCPT TO:<bin@local>", "RCPT TO:<bin>"]),
    "recipient-access": ({"smtpd_recipient_restrictions": access(
        ("bin", "REJECT"), ("root", "REJECT go away"), ("daemon", "550 5.7.1 custom text"), ("sys", "450 custom four"),
        ("games", "DEFER"), ("man", "DEFER later please"), ("lp", "DEFER_IF_PERMIT maybe"), ("mail", "OK"),
        ("news", "DUNNO"), ("uucp", "reject"), ("proxy", "DEFER_IF_REJECT hm"), ("backup", "554 text without code"),
        ("list", "521 bye"), ("irc", "421 bye"), ("sync", "no_such_action")),
        "smtpd_hard_error_limit": 100, "smtpd_error_sleep_time": "0"},
        [HELLO, FROM, *[f"RCPT TO:<{user}@local.test>" for user in
                        ["bin", "root", "daemon", "sys", "games", "man", "lp", "mail", "news", "uucp", "proxy", "backup",
                         "sync", "irc"]]]),
    "client-restrictions-reject": ({"smtpd_client_restrictions": "reject"}, [HELLO, FROM, TO]),
    "client-restrictions-at-once": ({"smtpd_client_restrictions": "reject", "smtpd_delay_reject": False}, [HELLO, FROM]),
    "client-access-at-once": ({"smtpd_client_restrictions": "check_client_access inline:{{127.0.0.1=554 not you}}",
                               "smtpd_delay_reject": False}, [HELLO, "NOOP", "QUIT"]),
    "data-restrictions": ({"smtpd_data_restrictions": "reject_multi_recipient_bounce"},
                          [HELLO, "MAIL FROM:<>", TO, "RCPT TO:<root@local.test>", "DATA"]),
    "end-of-data-restrictions": ({"smtpd_end_of_data_restrictions": "defer"}, [HELLO, FROM, TO, "DATA", data("x")]),
    "sender-defer": ({"smtpd_sender_restrictions": "defer"}, [HELLO, FROM, TO]),
    "sender-access": ({"smtpd_sender_restrictions": "reject_unlisted_sender, check_sender_access "
                         "inline:{{example.com=REJECT no example}}"}, [HELLO, FROM, TO]),
    "header-checks": ({"header_checks": "inline:{x=y}, regexp:{{/^Subject: bad/ REJECT}, {/^Subject: worse/ REJECT text}, "
                       "{/^Subject: coded/ REJECT 5.1.2 text}, {/^Subject: gone/ DISCARD}, {/^Subject: hold/ HOLD}}"},
                      [HELLO, *[step for word in ["bad", "worse", "coded", "gone", "hold", "fine"] for step in
                                (FROM, TO, "DATA", data(f"Subject: {word}\r\n\r\ntext"))]]),
    "body-checks": ({"body_checks": "regexp:{{/secret/ REJECT no secrets}}"},
                    [HELLO, FROM, TO, "DATA", data("Subject: x\r\n\r\nsecret")]),
    "timeout": ({"smtpd_timeout": "1s"}, [HELLO, b""]),
    "connection-limit": ({"smtpd_client_connection_count_limit": 1, "smtpd_client_event_limit_exceptions": ""},
                         [HELLO, CONNECT]),
    "message-rate-limit": ({"smtpd_client_message_rate_limit": 1, "smtpd_client_event_limit_exceptions": ""},
                           [HELLO, FROM, "RSET", FROM]),
    "recipient-rate-limit": ({"smtpd_client_recipient_rate_limit": 1, "smtpd_client_event_limit_exceptions": ""},
                             [HELLO, FROM, TO, "RCPT TO:<root@local.test>"]),
    "reject-footer": (OUTSIDE | {"smtpd_reject_footer": "\\c. For assistance, call 800-555-0101."},
                      [HELLO, FROM, "RCPT TO:<a@elsewhere.test>"]),
    "reject-footer-unknown-name": (
        OUTSIDE | {"smtpd_reject_footer": "\\c; call $nosuch [$server_name] ${alsonot}x ${nope?z} $$"},
        [HELLO, FROM, "RCPT TO:<a@elsewhere.test>"]),
    "reject-footer-own-line": (OUTSIDE | {"smtpd_reject_footer": "See http://mail.local.test/$client_address"},
                               [HELLO, FROM, "RCPT TO:<a@elsewhere.test>"]),
    "banner": ({"smtpd_banner": "$myhostname ESMTP $mail_name ($mail_version)"}, []),
    "code-parameters": (OUTSIDE | {"relay_domains_reject_code": 551, "unknown_local_recipient_reject_code": 450,
                                   "relay_domains": ""},
                        [HELLO, FROM, "RCPT TO:<nobody-here@local.test>", "RCPT TO:<a@elsewhere.test>"]),
}
