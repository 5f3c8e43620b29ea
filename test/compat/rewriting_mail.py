"""The messages of the comparison of rewriting: {scenario: parameters, and mail with what is not the default}.

Mail is from s@out.test to r@out.test with From: and To: of those addresses, unless it says otherwise. A recipient
may have options of RCPT behind a blank; a blank in the address is %20.
"""


def _both(*addresses):
    """Each address as envelope sender, envelope recipient and in both kinds of headers."""
    return [{"name": address, "from": address, "to": [address.replace(" ", "%20")],
             "header": f"From: {address}\nTo: {address}"} for address in addresses]


def _headers(*lines):
    return [{"name": line, "header": line} for line in lines]


def _recipients(*addresses):
    return [{"name": f"to {address}", "to": address.split(", ")} for address in addresses]


def _senders(*addresses):
    return [{"name": f"from {address}", "from": address} for address in addresses]


_FORMS = ["bare", "bare+ext", "u@host", "u@host.", "u@out.test.", "u@OUT.Test", "a%b.test", "a%b", "b.test!a", "b!c!a",
          "a%b.test@out.test", "b.test!a@out.test", "@r.test:u@out.test", "@r.test,@q.test:u@host", "u@[10.0.0.1]",
          '"quo ted"@out.test', '"quo ted"', '"a@b"@out.test', "a..b@out.test", ".a@host", "u+@host", "+x@host",
          "u@local.test", "U@LOCAL.test", "u/d=x@host", "u@under_score.test"]

_ADDRESS_HEADERS = ["From", "Sender", "Reply-To", "Errors-To", "Return-Receipt-To", "Disposition-Notification-To",
                    "Mail-Followup-To", "Mail-Reply-To", "To", "Cc", "Apparently-To", "Resent-From", "Resent-Sender",
                    "Resent-Reply-To", "Resent-To", "Resent-Cc", "X-Other", "Delivered-To", "X-Original-To", "Bcc",
                    "Return-Path", "Received-Spf", "Resent-Bcc", "List-Post", "Approved-By"]

_LAYOUTS = [
    "To: joe", "To: joe, ann", "To: Joe <joe>", "To: \"Joe, X.\" <joe>, ann (Ann)", "To: (c) joe (d)", "To: joe@host",
    "To: group: joe, ann@host;", "To: group:;", "To: joe,\n ann,\n\tbob@host", "To: <@r.test:joe@host>",
    "To: Joe\n <joe>", "To: a.b.c", "To: \"jo e\"", "To: \"jo e\"@host", "To: joe@host.", "To: joe%a.test",
    "To: a.test!joe", "To: <joe", "To: joe>", "To: ,joe,,ann,", "To:", "To: ;", "To: <>", "To: joe ann",
    "To: Joe Doe joe@host", "To: joe@[10.0.0.1]", "To: joe at host", "To: joe @ host", "To: a . b @ host",
    "To: <joe> <ann>", "To: Joe <joe> (cmt), \"A\" <ann@host> trailing", "To: =?utf-8?q?J=C3=A4n?= <joe>",
    "To: joe@host (a (nested) comment)", "To: \"unclosed <joe>", "To: (unclosed joe", "To: joe\\@x", "To: j\\ oe",
    "to: joe", "TO : joe", "To:joe", "To: undisclosed-recipients:;", "To: mailto:joe", "To: joe;ann", "To: <joe@host>;",
    "From: joe", "From: Joe <joe@host>, ann", "Sender: joe", "Cc: joe\nCc: ann@host", "To: joe\nTo: ann",
    "To: Very Long Display Name Of A Person <joe@host>, Another Very Long Display Name <ann@host>, b@host, c@host",
]

_CANONICAL = ("inline:{a@out.test=b@new.test, chain1@out.test=chain2@out.test, chain2@out.test=chain3@out.test, "
              "loop1@out.test=loop2@out.test, loop2@out.test=loop1@out.test, l1@out.test=l2@out.test, l2@out.test=l3@out.test, l3@out.test=l1@out.test, self@out.test=self@out.test, "
              "{two@out.test=x@new.test, y@new.test}, {named@out.test=Some One <one@new.test>}, "
              "bare@out.test=plain, user=luser@new.test, @dom.test=@newdom.test, ext@out.test=noext@new.test, "
              "full+ext@out.test=fullext@new.test, @catch.test=all@new.test, short@out.test=x@host, "
              "upper@out.test=MiXed@New.Test, {quoted@out.test=\"a b\"@new.test}, {\"q t\"@out.test=qt@new.test}, "
              "dot@out.test=x@new.test., perc@out.test=x%p.test, bang@out.test=p.test!x, "
              "@cross.test=@cross.test, route@out.test=@r.test:x@new.test, {cmt@out.test=x@new.test (comment)}}")
_CANONICAL_FORMS = ["a@out.test", "A@OUT.test", "chain1@out.test", "loop1@out.test", "l1@out.test", "l2@out.test", "self@out.test", "two@out.test",
                    "named@out.test", "bare@out.test", "user", "user@local.test", "user@out.test", "user+x@local.test",
                    "x@dom.test", "x+y@dom.test", "ext@out.test", "ext+foo@out.test", "full+ext@out.test",
                    "full+other@out.test", "any@catch.test", "any+e@catch.test", "short@out.test", "upper@out.test",
                    "quoted@out.test", '"q t"@out.test', "dot@out.test", "perc@out.test", "bang@out.test",
                    "x@cross.test", "route@out.test", "cmt@out.test", "none@out.test"]

_ALL_CLASSES = [{"name": "all places", "from": "a@x.test", "to": ["a@x.test"],
                 "header": "From: a@x.test\nReply-To: a@x.test\nTo: a@x.test\nCc: a@x.test"},
                {"name": "no From:", "from": "a@x.test", "to": ["a@x.test"], "header": "To: a@x.test"},
                {"name": "null sender", "from": "", "to": ["a@x.test"], "header": "From: a@x.test"}]

_VIRTUAL = ("inline:{one@v.test=x@out.test, {two@v.test=x@out.test, y@out.test}, chain@v.test=two@v.test, "
            "self@v.test=self@v.test, {selfplus@v.test=selfplus@v.test, z@out.test}, @dom.v.test=@w.test, "
            "@catch.v.test=all@out.test, bare@v.test=joe, user=u2@out.test, ext@v.test=noext@out.test, "
            "ext+e@v.test=withext@out.test, {spaces@v.test=x@out.test y@out.test}, "
            "{quoted@v.test=\"a b\"@out.test}, {dup@v.test=x@out.test, X@OUT.test, x@out.test}, "
            "{named@v.test=Joe <x@out.test>}, loop1@v.test=loop2@v.test, loop2@v.test=loop1@v.test, "
            "{deep@v.test=deep+a@v.test}, grow@v.test=grow+a@v.test, {many@v.test=a1@o.test, a2@o.test, a3@o.test, a4@o.test}, "
            "{group@v.test=one@v.test, two@v.test, q@out.test}, long@v.test=0123456789012345678901234567890123456789@out.test, "
            "short@v.test=x@host}")
_VIRTUAL_FORMS = _recipients(
    "one@v.test", "ONE@V.test", "two@v.test", "chain@v.test", "self@v.test", "selfplus@v.test", "u@dom.v.test",
    "u+x@dom.v.test", "u@catch.v.test", "u+x@catch.v.test", "bare@v.test", "user@local.test", "user", "user+q@local.test",
    "user@out.test", "ext@v.test", "ext+e@v.test", "ext+f@v.test", "spaces@v.test", "quoted@v.test", "dup@v.test",
    "named@v.test", "short@v.test", "group@v.test", "one@v.test, two@v.test", "one@v.test, one@v.test",
    "x@out.test, one@v.test", "one@v.test, x@out.test", "x@out.test, X@out.test", "none@v.test",
    "one@v.test NOTIFY=SUCCESS ORCPT=rfc822;orig@else.test", "two@v.test NOTIFY=FAILURE,DELAY", "one@v.test NOTIFY=NEVER",
    "one@v.test ORCPT=rfc822;orig@else.test, one@v.test", "r@out.test ORCPT=rfc822;r@out.test, r@out.test NOTIFY=NEVER")

_MASQUERADE = ["u@out.test", "u@host.out.test", "u@a.b.out.test", "root@host.out.test", "ROOT@host.out.test",
               "u@HOST.Out.Test", "u@keep.out.test", "u@x.keep.out.test", "u@host", "bare", "u@xout.test",
               "root+x@host.out.test", "u@deep.sub.test", "u@x.deep.sub.test", "u@[10.0.0.1]", "u@sub.test"]

_BCC = [{"name": "plain"}, {"name": "null sender", "from": ""}, {"name": "sender without domain", "from": "bare"},
        {"name": "sender with extension", "from": "s+x@out.test"}, {"name": "domain sender", "from": "any@dom.test"},
        *_recipients("r@out.test", "r+x@out.test", "any@dom.test", "user@local.test", "user", "r@out.test, any@dom.test",
                     "r@out.test NOTIFY=SUCCESS", "alias@v.test", "target@out.test", "two@out.test", "arch@out.test",
                     "loop@out.test", "r@out.test, r@out.test", "bcc@out.test, r@out.test")]

_GENERIC = ("inline:{{a@out.test=b@new.test} {b@new.test=never@again.test} {self@out.test=self@out.test} "
            "{two@out.test=x@new.test, y@new.test} {named@out.test=Some One <one@new.test>} {bare@out.test=plain} "
            "{user=luser@new.test} {@dom.test=@newdom.test} {ext@out.test=noext@new.test} {full+ext@out.test=fullext@new.test} "
            "{@catch.test=all@new.test} {short@out.test=x@host} {upper@out.test=MiXed@New.Test} {quoted@out.test=\"a b\"@new.test} "
            "{\"q t\"@out.test=qt@new.test} {dot@out.test=x@new.test.} {perc@out.test=x%p.test} {bang@out.test=p.test!x} "
            "{cmt@out.test=x@new.test (comment)} {owner-list@out.test=owner@new.test} {list@out.test=list@new.test} "
            "{@mail.local.test=host@new.test} {sub@sub.out.test=sub@new.test} {[10.0.0.1]=never@new.test} {@[10.0.0.1]=literal@new.test}}")
_GENERIC_FORMS = ["a@out.test", "A@OUT.test", "b@new.test", "self@out.test", "two@out.test", "named@out.test", "bare@out.test", "user",
                  "user@local.test", "user@out.test", "user+x@local.test", "x@dom.test", "x+y@dom.test", "ext@out.test",
                  "ext+foo@out.test", "full+ext@out.test", "full+other@out.test", "any@catch.test", "any+e@catch.test",
                  "short@out.test", "upper@out.test", "quoted@out.test", '"q t"@out.test', "dot@out.test", "perc@out.test",
                  "bang@out.test", "cmt@out.test", "none@out.test", "owner-list@out.test", "list+x@out.test", "a@out.test.",
                  "any@mail.local.test", "sub@sub.out.test", "u@[10.0.0.1]", "a%out.test@local.test", "@r.test:a@out.test"]

_UTF8_FORMS = ["jürgen@out.test", "JÜRGEN@out.test", "u@bücher.test", "u@xn--bcher-kva.test", "jürgen@bücher.test",
               "jürgen+x@out.test", "u@sub.bücher.test", "u@BÜCHER.test", "日本@out.test", '"jü rgen"@out.test', "ünknown@out.test"]


def _utf8(*addresses):
    return [mail | {"options": ["SMTPUTF8"]} for mail in _both(*addresses)]


def _utf8_tables(parameter):
    return {"utf8": True, "mail": _utf8(*_UTF8_FORMS),
            "parameters": {parameter: "inline:{{jürgen@out.test=ascii@new.test} {@bücher.test=@livres.test} "
                           "{日本@out.test=nihon@日本.test} {\"jü rgen\"@out.test=quoted@new.test} {u@xn--bcher-kva.test=alabel@new.test}}"}}


SCENARIOS = {
    "generic": {"parameters": {"smtp_generic_maps": _GENERIC}, "mail": _both(*_GENERIC_FORMS)},
    "generic-propagated": {"parameters": {"smtp_generic_maps": _GENERIC, "propagate_unmatched_extensions": "generic"},
                           "mail": _both("ext+foo@out.test", "full+other@out.test", "x+y@dom.test", "any+e@catch.test",
                                         "user+x@local.test", "list+x@out.test", "bare+x@out.test", "quoted+x@out.test")},
    "generic-minus": {"parameters": {"smtp_generic_maps": _GENERIC, "recipient_delimiter": "-"},
                      "mail": _both("owner-list@out.test", "list-x@out.test", "owner-other@out.test", "list-request@out.test", "ext-a-b@out.test")},
    "generic-origin": {"parameters": {"smtp_generic_maps": _GENERIC, "myorigin": "origin.test"},
                       "mail": _both("user", "user@origin.test", "user@local.test", "bare@out.test", "short@out.test")},
    "generic-origin-off": {"parameters": {"smtp_generic_maps": _GENERIC, "append_at_myorigin": "no", "append_dot_mydomain": "no"},
                           "mail": _both("user@local.test", "bare@out.test", "short@out.test", "user")},
    "generic-pattern": {"parameters": {"smtp_generic_maps": "regexp:{{/^(.*)@p\\.test$$/ $${1}@q.test} {/^only@/ no@q.test} {/^bare$$/ never@q.test}}"},
                        "mail": _both("u@p.test", "u+x@p.test", "only@local.test", "bare", '"a b"@p.test')},
    "generic-layouts": {"parameters": {"smtp_generic_maps": "inline:{joe@mail.local.test=j.doe@new.test, "
                                       "joe@host.local.test=h@new.test, {ann@mail.local.test=\"an n\"@new.test}}"},
                        "mail": _headers(*_LAYOUTS)},
    "generic-headers": {"parameters": {"smtp_generic_maps": "inline:{h@out.test=new@out.test, bare@mail.local.test=b@out.test}", "message_drop_headers": "x-none"},
                        "mail": _headers(*[f"{name}: bare, h@out.test" for name in _ADDRESS_HEADERS])},
    "generic-last": {"parameters": {"smtp_generic_maps": "inline:{a@x.test=never@y.test, c@x.test=generic@y.test, v@x.test=generic-v@y.test, "
                                    "u@out.test=masked@y.test}", "canonical_maps": "inline:{a@x.test=c@x.test}",
                                    "virtual_alias_maps": "inline:{w@x.test=v@x.test}", "masquerade_domains": "out.test"},
                     "mail": [*_both("a@x.test", "w@x.test", "u@sub.out.test"), *_recipients(
                         "c@x.test, v@x.test", "c@x.test NOTIFY=SUCCESS", "w@x.test ORCPT=rfc822;o@o.test", "c@x.test, c@x.test")]},
    "canonical-utf8": _utf8_tables("canonical_maps"),
    "virtual-utf8": _utf8_tables("virtual_alias_maps"),
    "generic-utf8": _utf8_tables("smtp_generic_maps"),
    "sender-canonical-utf8": _utf8_tables("sender_canonical_maps"),
    "recipient-bcc-utf8": _utf8_tables("recipient_bcc_maps"),
    "masquerade-utf8": {"parameters": {"masquerade_domains": "bücher.test out.test", "masquerade_exceptions": "jürgen"}, "utf8": True,
                        "mail": _utf8("u@a.bücher.test", "u@a.xn--bcher-kva.test", "jürgen@a.out.test", "ü@a.out.test", "u@bücher.test")},
    "standard-form-utf8": {"parameters": {}, "utf8": True,
                           "mail": _utf8("jürgen", "jürgen@host", "u@bücher", "bücher.test!jürgen", "jürgen%bücher.test", "u@bücher.test.")},
    "standard-form": {"parameters": {}, "mail": _both(*_FORMS)},
    "standard-form-off": {"parameters": {"append_dot_mydomain": "no", "append_at_myorigin": "no", "swap_bangpath": "no",
                                         "allow_percent_hack": "no"}, "mail": _both(*_FORMS)},
    "layouts": {"parameters": {}, "mail": _headers(*_LAYOUTS)},
    "layouts-canonical": {"parameters": {"canonical_maps": "inline:{joe@mail.local.test=j.doe@new.test, "
                                         "joe@host.local.test=h@new.test, {ann@mail.local.test=\"an n\"@new.test}}"},
                          "mail": _headers(*_LAYOUTS)},
    "canonical": {"parameters": {"canonical_maps": _CANONICAL}, "mail": _both(*_CANONICAL_FORMS)},
    "canonical-origin": {"parameters": {"canonical_maps": _CANONICAL, "myorigin": "origin.test", "append_at_myorigin": "no"},
                         "mail": _both("bare@out.test", "user", "user@local.test", "user@origin.test")},
    "canonical-fails": {"parameters": {"canonical_maps": "fail:broken", "canonical_classes": "envelope_recipient"}, "mail": _both("a@x.test")},
    "canonical-pattern": {"parameters": {"canonical_maps": "regexp:{{/^(.*)@p\\.test$$/ $${1}@q.test} {/^only$$/ no@q.test}}"},
                          "mail": _both("u@p.test", "u+x@p.test", "only@local.test", "only")},
    "sender-and-recipient-canonical": {
        "parameters": {"sender_canonical_maps": "inline:{a@x.test=sender@y.test}",
                       "recipient_canonical_maps": "inline:{a@x.test=recipient@y.test}",
                       "canonical_maps": "inline:{a@x.test=canonical@y.test, sender@y.test=s2@y.test}"},
        "mail": _ALL_CLASSES},
    **{f"canonical-class-{names}": {"parameters": {"canonical_maps": "inline:{a@x.test=canonical@y.test}",
                                                   "canonical_classes": names.replace("-", ", ")}, "mail": _ALL_CLASSES}
       for names in ["envelope_sender", "envelope_recipient-header_sender"]},
    "own-classes": {"parameters": {"sender_canonical_maps": "inline:{a@x.test=sender@y.test}",
                                   "sender_canonical_classes": "header_sender",
                                   "recipient_canonical_maps": "inline:{a@x.test=recipient@y.test}",
                                   "recipient_canonical_classes": "envelope_recipient"}, "mail": _ALL_CLASSES},
    "masquerade": {"parameters": {"masquerade_domains": "!keep.out.test out.test deep.sub.test sub.test",
                                  "masquerade_exceptions": "root, inline:{other=x}"},
                   "mail": _both(*_MASQUERADE)},
    "remote": {"parameters": {"local_header_rewrite_clients": "", "masquerade_domains": "out.test",
                              "canonical_maps": "inline:{a@x.test=canonical@y.test}"},
               "mail": _both("bare", "u@host", "a@x.test", "u@sub.out.test") + _headers("Subject: nothing")},
    "remote-domain": {"parameters": {"local_header_rewrite_clients": "", "remote_header_rewrite_domain": "invalid.test",
                                     "masquerade_domains": "out.test",
                                     "canonical_maps": "inline:{a@x.test=bare, bare@invalid.test=rem@y.test}"},
                      "mail": _both("bare", "u@host", "a@x.test", "u@sub.out.test", "b!u", "u%p") + _headers("Subject: nothing")},
    "no-mapping": {"parameters": {"receive_override_options": "no_address_mappings", "masquerade_domains": "out.test",
                                  "canonical_maps": "inline:{a@x.test=canonical@y.test}", "always_bcc": "bcc@out.test",
                                  "virtual_alias_maps": "inline:{a@x.test=v@y.test}"},
                   "mail": _both("bare", "a@x.test", "u@sub.out.test")},
    "virtual": {"parameters": {"virtual_alias_maps": _VIRTUAL, "virtual_alias_domains": "v.test"}, "mail": _VIRTUAL_FORMS},
    "virtual-no-original": {"parameters": {"virtual_alias_maps": _VIRTUAL, "virtual_alias_domains": "v.test", "enable_original_recipient": "no"},
                            "mail": _recipients("one@v.test, two@v.test", "x@out.test, one@v.test", "one@v.test", "bare",
                                                "one@v.test NOTIFY=NEVER, x@out.test")},
    "virtual-limits": {"parameters": {"virtual_alias_maps": _VIRTUAL, "virtual_alias_expansion_limit": "3",
                                      "virtual_alias_recursion_limit": "2", "virtual_alias_address_length_limit": "40"},
                       "mail": _recipients("two@v.test", "many@v.test", "group@v.test", "loop1@v.test", "grow@v.test",
                                           "long@v.test", "chain@v.test", "deep@v.test")},
    "canonical-then-virtual": {"parameters": {"canonical_maps": "inline:{a@x.test=one@v.test, x@out.test=never@out.test}",
                                              "virtual_alias_maps": _VIRTUAL, "virtual_alias_domains": ""},
                               "mail": _both("a@x.test", "one@v.test")},
    "bcc": {"parameters": {"always_bcc": "bcc@out.test", "sender_bcc_maps": "inline:{s@out.test=sbcc@out.test, "
                           "@dom.test=domsbcc, bare@mail.local.test=baresbcc@out.test}",
                           "recipient_bcc_maps": "inline:{r@out.test=rbcc@out.test, @dom.test=domrbcc@out.test, "
                           "user=userbcc@out.test, alias@v.test=aliasbcc@out.test, target@out.test=targetbcc@out.test, "
                           "{two@out.test=x1@out.test, x2@out.test}, arch@out.test=loop@out.test, "
                           "loop@out.test=arch@out.test, bcc@out.test=bccbcc@out.test}",
                           "virtual_alias_maps": "inline:{alias@v.test=target@out.test, rbcc@out.test=rbccalias@out.test}",
                           "virtual_alias_domains": ""},
            "mail": _BCC},
    "bcc-canonical": {"parameters": {"always_bcc": "bcc", "sender_bcc_maps": "inline:{new@out.test=new-sbcc@out.test, old@out.test=old-sbcc@out.test}",
                                     "recipient_bcc_maps": "inline:{new@out.test=new-rbcc@out.test, old@out.test=old-rbcc@out.test}",
                                     "canonical_maps": "inline:{old@out.test=new@out.test, new-rbcc@out.test=can-rbcc@out.test, "
                                     "bcc@mail.local.test=canbcc@out.test, c@x.test=c@host.out.test}", "masquerade_domains": "out.test", "masquerade_classes": "envelope_recipient"},
                      "mail": _both("old@out.test", "new@out.test", "u@sub.out.test", "c@x.test")},
    "missing": {"parameters": {"sender_canonical_maps": "inline:{a@x.test=Can.On@y.test}", "myorigin": "origin.test"},
                "mail": [{"name": "no From:", "from": "a@x.test", "header": "Subject: x"},
                         {"name": "no From:, null sender", "from": "", "header": "Subject: x"},
                         {"name": "no From:, quoted sender", "from": '"a b"@x.test', "header": "Subject: x"},
                         {"name": "no From:, bare sender", "from": "joe", "header": "Subject: x"},
                         {"name": "Resent-To: only", "from": "a@x.test", "header": "Resent-To: joe"},
                         {"name": "sendmail -F", "from": "a@x.test", "sendmail": ["-F", "Full Name"], "header": "Subject: x"},
                         {"name": "sendmail -F quoted", "from": "a@x.test", "sendmail": ["-F", "Full N. (x)"], "header": "Subject: x"}]},
    "headers": {"parameters": {"sender_canonical_maps": "inline:{h@out.test=sender@out.test}", "message_drop_headers": "x-none",
                               "recipient_canonical_maps": "inline:{h@out.test=recipient@out.test}"},
                "mail": _headers(*[f"{name}: bare, h@out.test" for name in _ADDRESS_HEADERS])},
    "not-propagated": {"parameters": {"canonical_maps": _CANONICAL, "virtual_alias_maps": _VIRTUAL,
                                      "propagate_unmatched_extensions": ""},
                       "mail": _both("ext+foo@out.test", "x+y@dom.test") +
                       _recipients("ext+f@v.test", "u+x@catch.v.test", "u+x@dom.v.test", "user+q@out.test")},
    "bcc-fails": {"parameters": {"recipient_bcc_maps": "inline:{a@x.test=b@x.test} fail:broken",
                                 "sender_bcc_maps": "inline:{s@out.test=sbcc@x.test} fail:broken"},
                  "mail": _recipients("a@x.test", "b@x.test") + _senders("a@x.test", "b@x.test") +
                  [{"name": "sender is not found", "from": "a@x.test", "to": ["a@x.test"]}]},
    "missing-obsolete": {"parameters": {"header_from_format": "obsolete",
                                        "undisclosed_recipients_header": "To: undisclosed-recipients:;"},
                         "mail": [{"name": "sendmail -F", "from": "a@x.test", "sendmail": ["-F", "Full Name"], "header": "Subject: x"},
                                  {"name": "sendmail -F quoted", "from": "a@x.test", "sendmail": ["-F", "Full N. (x) \\y"], "header": "Subject: x"},
                                  *_headers("Subject: x", "To: joe", "Cc: joe", "Bcc: joe", "Resent-To: joe", "Resent-Bcc: joe",
                                            "Apparently-To: joe", "To:")]},
    "minus-delimiter": {"parameters": {"recipient_delimiter": "-+", "virtual_alias_maps": "inline:{list@v.test=x@out.test, owner@v.test=o@out.test}"},
                        "mail": _recipients("list-a@v.test", "list+a-b@v.test", "owner-list@v.test", "list-request@v.test", "owner-x@v.test", "-list@v.test")},
    "owner-not-special": {"parameters": {"recipient_delimiter": "-", "owner_request_special": "no",
                                         "virtual_alias_maps": "inline:{list@v.test=x@out.test, owner@v.test=o@out.test}"},
                          "mail": _recipients("list-request@v.test", "owner-list@v.test")},
}
