"""The matrix of routing: {scenario: parameters, and (sender, recipient) pairs} for every table that routes, by every form
of address.

Transports are discard, error and retry, which say in the log what nexthop they got. `tables` of a scenario are regexp:
files, parameter by parameter, | between the rules. The mail of a scenario goes over one SMTP connection, so that hundreds
of pairs take seconds; `verify` asks with sendmail -bv instead.
"""

_DISCARD = {"default_transport": "discard:def", "local_transport": "discard:loc", "virtual_transport": "discard:vmail",
            "relay_transport": "discard:rel", "recipient_delimiter": "+", "append_dot_mydomain": "yes"}


def forms(domain):
    """One mailbox of a domain in every form that a client may write it."""
    return [f"user@{domain}", f"USER@{domain.upper()}", f"user+ext@{domain}", f"user+@{domain}", f"+ext@{domain}",
            f"other@{domain}", f"user@sub.{domain}", f"user@a.b.{domain}", f"user@{domain}.", f'"us er"@{domain}',
            f'"user"@{domain}', f"user%{domain}@local.test", f"{domain}!user@local.test", f"@r.test:user@{domain}",
            f"user%x.test@{domain}", f'"user@x.test"@{domain}']


def _to(*recipients, sender="s@out.test"):
    return [(sender, recipient) for recipient in recipients]


def _from(*senders, recipient="r@far.test"):
    return [(sender, recipient) for sender in senders]


_TRANSPORT = ("inline:{{user@a.test=discard:user} {user+ext@a.test=discard:ext} {a.test=discard:domain} {.a.test=discard:dot} "
              "{b.test=discard:b} {.c.test=discard:c} {+ext@d.test=discard:delim} {d.test=discard:} {e.test=:hop} "
              "{\"us er\"@a.test=discard:quoted} {sub.b.test=discard:subb} "
              "{local.test=discard:local} {user@local.test=discard:localuser} {va.test=discard:never} "
              "{vm.test=discard:box} {rel.test=discard:relay} {user@rel.test=discard:relayuser} {[10.0.0.1]=discard:literal} "
              "{colon.test=:} {case.test=discard:MiXed} {deep.test=discard:[h]:26} {list.test=discard:h1, h2}}")

_SENDER_FORMS = ["user@a.test", "USER@A.TEST", "user+ext@a.test", "user+other@a.test", "any@a.test", "user@sub.a.test",
                 '"us er"@a.test', "bare", "user", "user@local.test", "dunno@a.test", "dunno@b.test", "none@none.test", "",
                 "user@host", "any+x@a.test", "user@[10.0.0.1]", "@r.test:user@a.test", "user@a.test.", "user%a.test"]
_BY_SENDER = ("inline:{{{user@a.test=%s}} {{user+ext@a.test=%s}} {{@a.test=%s}} {{user=%s}} {{dunno@a.test=DUNNO}} "
              "{{dunno@b.test=dunno}} {{@b.test=%s}} {{<>=%s}} {{user@mail.local.test=%s}} {{\"us er\"@a.test=%s}} "
              "{{@[10.0.0.1]=%s}}}}").replace("{{", "{").replace("}}", "}")


def _by_sender(pattern):
    words = ["user", "ext", "domain", "bare", "b", "null", "local", "quoted", "literal"]
    return _BY_SENDER % tuple(pattern % word for word in words)


_REASONS = ["error:5.7.1 no mail here", "error:no code", "error:4.5.6 a temporary code", "error:", "error:5.1.1",
            "error:550 5.7.1 text", "error:2.0.0 success", "retry:4.2.2 later", "retry:5.2.2 permanent code",
            "retry:no code", "retry:", "error:5.1.2 %d {} $x", "error:5.7.1:colon", "error:[brackets]", "ERROR:5.7.1 capitals"]

_RELOCATED = ("inline:{{user@a.test=new@b.test} {user+ext@a.test=ext@b.test} {@dom.test=the whole site} {user=bare@b.test} "
              "{user@v.test=v@b.test} {user@vm.test=vm@b.test} {user@rel.test=rel@b.test} {\"us er\"@a.test=quoted@b.test} "
              "{user@[10.0.0.1]=literal} {text@a.test=call +49 (0)1, or <x@y>} {code@a.test=5.7.1 x}}")

_FILTERED = ["user@local.test", "user@va.test", "known@va.test", "user@vm.test", "user@rel.test", "user@far.test",
             "user@e.test", "user@moved.test", "bare", "user@[10.0.0.1]", "user+x@far.test"]

_CLASSES = {"virtual_alias_domains": "va.test", "virtual_mailbox_domains": "vm.test", "relay_domains": "rel.test",
            "virtual_alias_maps": "inline:{known@va.test=goal@far.test, near@va.test=user@local.test, self@va.test=self@va.test, "
                                  "@all.test=all@far.test}"}
_CLASS_NAMES = ["local.test", "mail.local.test", "localhost", "va.test", "sub.va.test", "vm.test", "sub.vm.test", "rel.test",
                "sub.rel.test", "a.b.rel.test", "xrel.test", "far.test", "[127.0.0.1]", "[10.0.0.1]", "[IPv6:::1]", "LOCAL.TEST",
                "local.test.", "REL.test", "127.0.0.1", "under_score.test", "-dash.test", "a..b", "x.local.test"]

_LISTS = {"recipient_delimiter": "-", "transport_maps":
          "inline:{{list@l.test=discard:list} {owner-list@l.test=discard:owner} {owner@l.test=discard:base} "
          "{list-request@l.test=discard:request} {l.test=discard:domain} {news@l.test=discard:news}}"}
_LIST_FORMS = [f"{name}@l.test" for name in ["list", "list-x", "owner-list", "owner-news", "owner-x", "list-request", "news-request",
                                             "news-x-request", "owner", "request", "list-x-y", "-list", "OWNER-news", "News-Request"]]

_UTF8 = ["user@bücher.test", "user@xn--bcher-kva.test", "jürgen@far.test", "jürgen@bücher.test", "user@sub.bücher.test",
         "user@BÜCHER.test", "user@日本.test", "user@xn--wgv71a.test", "JÜRGEN@far.test", "jürgen+x@far.test", "user@far。test",
         "user@ab--c.test"]

_ALIASES = ("inline:{{alias=bin} {list=bin, games} {owner-list=nobody@far.test} {one=nosuch} {far=u@far.test} {ext=u@far.test, bin} "
            "{owner-ext=owner@far.test} {chain=alias} {self=self} {quoted=\"us er\"@far.test} {alias+x=u+x@far.test} {bang=far.test!u} "
            "{owner-news=root@far.test} {news-request=request@far.test} {both=owner-list@far.test, list-request@far.test} {news=u@far.test, v@far.test}}")
_LOCAL = {"default_transport": "discard:def", "recipient_delimiter": "+", "append_dot_mydomain": "yes", "local_recipient_maps": "",
          "alias_maps": _ALIASES, "mailbox_command": "echo $USER/$EXTENSION/$LOCAL/$RECIPIENT; exit 69"}
_LOCAL_FORMS = ["bin", "BIN", "bin+ext", "bin+", "bin@localhost.local.test", "bin@local.test", "bin@[127.0.0.1]", "nosuch", "nosuch+ext",
                "NoSuch@local.test", '"us er"@local.test', "alias", "alias+x", "alias+y", "list", "one", "far", "far+x", "ext+x", "chain",
                "bang", "quoted", "both", "news+x", "postmaster", "games", "owner-list", "list-request"]


def _local(*recipients, **parameters):
    return {"parameters": _LOCAL | parameters, "follow": True, "mail": _to(*recipients)}


SCENARIOS = {
    "local": _local(*_LOCAL_FORMS),
    "local-not-expanded": _local("alias", "far+x", "ext+x", "news+x", "list", propagate_unmatched_extensions="alias, forward, include"),
    "local-owners": _local("list", "ext", "news", "news-request", "owner-news", "both", expand_owner_alias="yes", recipient_delimiter="-"),
    "local-owners-ordinary": _local("list", "ext", "news", "news-request", "owner-news", owner_request_special="no", recipient_delimiter="-"),
    "local-owners-reset": _local("list", "ext", "news", "news-request", reset_owner_alias="yes"),
    "local-frozen": _local("alias", "list", "far", frozen_delivered_to="no"),
    "local-mailbox-transport": _local(*_LOCAL_FORMS, mailbox_transport="discard:mt"),
    "local-mailbox-transport-without-nexthop": _local("bin", "nosuch@local.test", "alias", "bin@[127.0.0.1]", mailbox_transport="discard"),
    "local-mailbox-transport-maps": _local(
        "bin", "bin+ext", "bin+other", "BIN", "games", "news@local.test", "man@local.test", "lp", "nosuch", "alias", "list",
        "uucp", "uucp+ext", "proxy@local.test", '"us er"@local.test',
        mailbox_transport_maps="inline:{{bin=discard:bin} {bin+ext=discard:binext} {games=error:5.2.1 disabled} {lp=retry:4.2.2 full} "
        "{nosuch=discard:nosuch} {@local.test=discard:domain} {man@local.test=discard:address} {uucp=discard:} "
        "{\"us er\"=discard:quoted}}", mailbox_transport="discard:rest"),
    "local-fallback-transport": _local(*_LOCAL_FORMS[7:], "bin", fallback_transport="discard:fb"),
    "local-fallback-transport-maps": _local(
        "nosuch", "nosuch+ext", "other", "other@local.test", "third", "bin", "one", "fourth+x", "postmaster",
        fallback_transport_maps="inline:{{nosuch=discard:nosuch} {other@local.test=discard:address} {third=error:5.1.1 no} {bin=discard:never} "
        "{fourth+x=discard:ext}}", luser_relay="$user@far.test"),
    **{f"local-luser-relay {value}": _local("nosuch", "NoSuch@local.test", "nosuch+ext", "nosuch+", "one", "bin",
                                            "list+nosuch@[127.0.0.1]", luser_relay=value)
       for value in ["$user@far.test", "bin", "$recipient", "nobodyhere",
                     "${extension?$extension}${extension:none}.$domain.$recipient_delimiter@far.test"]},
    "local-mailbox-command-maps": _local(
        "bin", "bin+ext", "BIN", "games", "games@local.test", "alias", "lp", "nosuch", "mail+x",
        mailbox_command_maps="inline:{{bin=echo map $USER; exit 69} {bin+ext=echo ext; exit 69} {games@local.test=echo address; exit 69} "
        "{@local.test=echo domain; exit 69} {lp=exit 75}}"),
    "local-home": _local("bin", "nobody", "nosuch", "alias", require_home_directory="yes"),
    **{f"local-directory {value}": _local("bin", "bin+ext", "games", command_execution_directory=value,
                                          mailbox_command="pwd; exit 69")
       for value in ["$home", "/usr/$user", "/${extension?usr}${extension:etc}"]},
    **{f"local-shell {value}": _local("bin", "games", local_command_shell=value, mailbox_command="/nosuch/a b")
       for value in ["/bin/ls -d", "/bin/sh -c"]},
    "matrix-classes": {"parameters": _DISCARD | _CLASSES, "mail": _to(*[f"user@{name}" for name in _CLASS_NAMES])},
    "matrix-classes-parents": {
        "parameters": _DISCARD | _CLASSES | {"parent_domain_matches_subdomains": "",
                                             "relay_domains": "rel.test, .dot.test", "mydestination": "local.test, .under.test",
                                             "virtual_mailbox_domains": "vm.test, .vmdot.test"},
        "mail": _to(*[f"user@{name}" for name in [*_CLASS_NAMES, "dot.test", "s.dot.test", "under.test", "s.under.test",
                                                  "vmdot.test", "s.vmdot.test"]])},
    "matrix-class-transports": {
        "parameters": _DISCARD | _CLASSES | {"default_transport": "discard", "local_transport": "discard", "relay_transport": "discard",
                                             "virtual_transport": "discard", "relayhost": "[hub.test]:26"},
        "mail": _to(*[f"user@{name}" for name in _CLASS_NAMES], "known@va.test", "near@va.test", "self@va.test", "x@all.test")},
    "matrix-transport": {
        "parameters": _DISCARD | _CLASSES | {"transport_maps": _TRANSPORT},
        "mail": _to(*forms("a.test"), *forms("b.test"), *forms("c.test")[:8], *forms("d.test")[:6], *forms("e.test")[:5],
                    *forms("local.test")[:8], *forms("rel.test")[:7], "user@va.test", "known@va.test", "user@vm.test",
                    "user@[10.0.0.1]", "user@colon.test", "user@case.test", "user@deep.test", "user@list.test")},
    "matrix-transport-parents": {
        "parameters": _DISCARD | _CLASSES | {"transport_maps": _TRANSPORT, "parent_domain_matches_subdomains": "transport_maps"},
        "mail": _to(*forms("a.test")[:8], *forms("b.test")[:8], *forms("c.test")[:8], *forms("rel.test")[:8])},
    "matrix-transport-pattern": {
        "parameters": _DISCARD | {"transport_maps":
                                  "regexp:{{/^user@p\\.test$$/ discard:whole} {/^p\\.test$$/ discard:domain}"
                                  " {/\\+ext@/ discard:ext} {/@.*upper/ discard:upper}}"},
        "mail": _to(*forms("p.test")[:8], "x@UPPER.test", "none@none.test")},
    "matrix-substitutions": {  # $1 is refused where it would choose a transport, a file or an account
        "parameters": _DISCARD | {
            "virtual_alias_domains": "va.test", "virtual_mailbox_domains": "vm.test", "virtual_transport": "virtual",
            "virtual_mailbox_base": "/nonexistent", "local_transport": "local", "mailbox_command": "exit 69"},
        "tables": {
            "transport_maps": r"/^u(.*)@p\.test$/ discard:h$1|/^plain@p/ discard:plain",
            "relocated_maps": r"/^(.*)@moved\.test$/ $1@new.test",
            "sender_dependent_default_transport_maps": r"/^(.*)@sd\.test$/ discard:$1",
            "sender_dependent_relayhost_maps": r"/^(.*)@rl\.test$/ [$1]",
            "virtual_alias_maps": r"/^(.*)@va\.test$/ $1@far.test",
            "virtual_mailbox_maps": r"/^(.*)@vm\.test$/ $1",
            "alias_maps": r"/^a(.*)$/ b$1",
            "mailbox_transport_maps": r"/^(games)$/ discard:$1",
            "fallback_transport_maps": r"/^(f.*)$/ discard:$1|/^plain$/ discard:fallback"},
        "mail": _to("u1@p.test", "plain@p.test", "x@moved.test", "x@va.test", "q@vm.test", "a1@local.test", "games@local.test",
                    "fx@local.test", "plain@local.test") + [("a@sd.test", "u@far.test"), ("a@rl.test", "u@far.test")]},
    "matrix-transport-default": {
        "parameters": _DISCARD | _CLASSES | {"transport_maps": "inline:{{*=discard:star} {a.test=:} {b.test=discard}}"},
        "mail": _to("user@a.test", "user@b.test", "user@c.test", "user@local.test", "user@va.test", "user@vm.test", "user@rel.test",
                    "user@[10.0.0.1]", "bare")},
    "matrix-reasons": {
        "parameters": _DISCARD | {"transport_maps": "inline:{" + " ".join(
            f"{{r{number}.test={reason}}}" for number, reason in enumerate(_REASONS)) + "}"},
        # doc/differences.md: a code of the other class keeps its detail here (2 and 8).
        "mail": _to(*[f"user@r{number}.test" for number in range(len(_REASONS)) if number not in (2, 8)])},
    "matrix-error-classes": {
        "parameters": _DISCARD | _CLASSES | {"local_transport": "error:no local mail", "relay_transport": "retry:4.7.0 relay rests",
                                             "virtual_transport": "error:5.2.1 disabled", "default_transport": "error:outside mail is off",
                                             "show_user_unknown_table_name": "no"},
        "mail": _to("user@local.test", "user@rel.test", "user@vm.test", "user@far.test", "user@va.test", "user@sub.rel.test", "bare",
                    "user@[127.0.0.1]", "user@[10.0.0.1]")},
    "matrix-by-sender-transport": {
        "parameters": _DISCARD | _CLASSES | {"sender_dependent_default_transport_maps": _by_sender("discard:%s")},
        "mail": _from(*_SENDER_FORMS) + [("user@a.test", f"u@{name}") for name in ["local.test", "va.test", "vm.test", "rel.test"]]},
    "matrix-by-sender-relayhost": {
        "parameters": _DISCARD | _CLASSES | {"default_transport": "discard", "relay_transport": "discard", "relayhost": "[hub.test]",
                                             "sender_dependent_relayhost_maps": _by_sender("[%s.test]:26"), "transport_maps": "inline:{t.test=discard:}"},
        "mail": _from(*_SENDER_FORMS) + [("user@a.test", f"u@{name}") for name in
                                         ["local.test", "va.test", "vm.test", "rel.test", "sub.rel.test", "t.test"]]},
    "matrix-by-sender-both": {
        "parameters": _DISCARD | {"default_transport": "discard", "sender_dependent_relayhost_maps": _by_sender("[%s.test]"),
                                  "sender_dependent_default_transport_maps": "inline:{{user@a.test=discard:hop} {@a.test=discard:} {<>=discard}}",
                                  "empty_address_default_transport_maps_lookup_key": "user@a.test",
                                  "empty_address_relayhost_maps_lookup_key": "user+ext@a.test"},
        "mail": _from("user@a.test", "any@a.test", "", "user@b.test", "none@none.test", "user+ext@a.test")},
    "matrix-relayhost-list": {
        "parameters": _DISCARD | {"default_transport": "discard", "relay_transport": "discard", "relay_domains": "rel.test",
                                  "relayhost": "[h1.test]:26, h2.test"},
        "mail": _to("user@far.test", "user@rel.test", "user@[10.0.0.1]", "user@local.test")},
    "matrix-relocated": {
        "parameters": _DISCARD | _CLASSES | {"relocated_maps": _RELOCATED},
        "mail": _to(*forms("a.test"), *forms("local.test")[:8], *forms("dom.test")[:8], "user@v.test", "user@vm.test", "user@rel.test",
                    "user@va.test", "known@va.test", "user@[10.0.0.1]", "text@a.test", "code@a.test", "user", "bare")},
    "matrix-relocated-and-transport": {
        "parameters": _DISCARD | {"relocated_maps": _RELOCATED, "transport_maps": "inline:{{a.test=discard:t} {dom.test=error:5.1.1 gone}}"},
        "mail": _to("user@a.test", "other@a.test", "user@dom.test")},
    "matrix-content-filter": {
        "parameters": _DISCARD | _CLASSES | {"content_filter": "discard:filter", "relocated_maps": "inline:{user@moved.test=new@b.test}",
                                             "transport_maps": "inline:{{e.test=error:5.7.1 no}}"},
        "mail": _to(*_FILTERED)},
    "matrix-content-filter-without-nexthop": {
        "parameters": _DISCARD | _CLASSES | {"content_filter": "discard:", "transport_maps": "inline:{{e.test=error:5.7.1 no}}"},
        "mail": _to(*_FILTERED)},
    "matrix-content-filter-default-nexthop": {
        "parameters": _DISCARD | _CLASSES | {"content_filter": "discard:", "default_filter_nexthop": "$myhostname"},
        "mail": _to(*_FILTERED)},
    "matrix-lists": {"parameters": _DISCARD | _LISTS, "mail": _to(*_LIST_FORMS)},
    "matrix-lists-ordinary": {"parameters": _DISCARD | _LISTS | {"owner_request_special": "no"}, "mail": _to(*_LIST_FORMS)},
    "matrix-delimiter-set": {
        "parameters": _DISCARD | _LISTS | {"recipient_delimiter": "=+-"},
        "mail": _to(*[f"news{rest}@l.test" for rest in ["+x", "-x", "=x", "+a-b", "-a+b", "=", "+", "x=y", "--x", "_x"]],
                    "+news@l.test", "=@l.test", "owner-news+x@l.test", "owner+x@l.test", "list-x+request@l.test")},
    "matrix-forms": {
        "parameters": _DISCARD | _CLASSES,
        "mail": _to("a@b@local.test", "a%b%c@local.test", "c!b!a@local.test", "a%b.test@far.test", "b.test!a@far.test",
                    "b.test!a%c.test@local.test", "a%b.test@c.test@local.test", "@local.test:a@b.test", "@r.test,@q.test:a@b.test",
                    '"a%b.test"@local.test', '"a@b.test"@local.test', '"a\\"b"@far.test', '".a"@far.test', "a..b@far.test", "a.@far.test",
                    "user@far.test.", "user@[far.test]", "user@10.0.0.1", "user@host", "user@a.b.", "-u@far.test",
                    '"-u"@far.test', "u@-far.test", "u@far-.test", f"u@{'x' * 64}.test", f"{'u' * 70}@far.test", "a/b@far.test",
                    "a=b@far.test", "a*b@far.test", "postmaster", "user@local.test.local.test", '" "@far.test', '""@far.test')},
    "matrix-forms-off": {
        "parameters": _DISCARD | _CLASSES | {"swap_bangpath": "no", "allow_percent_hack": "no", "append_at_myorigin": "no",
                                             "append_dot_mydomain": "no", "resolve_dequoted_address": "no", "allow_min_user": "yes",
                                             "resolve_numeric_domain": "yes", "resolve_null_domain": "yes"},
        "mail": _to("a%b.test@local.test", "b.test!a@local.test", "a%b@local.test", '"a@b.test"@local.test', '"a%b.test"@local.test',
                    "a@b@local.test", "bare", "user@host", "-u@far.test", "b!a", "a%b")},
    "matrix-utf8": {
        "parameters": _DISCARD | _CLASSES | {"transport_maps": "inline:{{bücher.test=discard:books} {.bücher.test=discard:sub} "
                                             "{jürgen@far.test=discard:umlaut} {xn--wgv71a.test=discard:ascii}}"},
        "smtputf8": True, "mail": _to(*_UTF8)},
    "matrix-verify": {
        "parameters": _DISCARD | _CLASSES | {"transport_maps": _TRANSPORT, "relocated_maps": _RELOCATED},
        "verify": True, "mail": _to("user@a.test", "user+ext@a.test", "user@e.test", "user@dom.test", "user@va.test", "known@va.test",
                                    "user@local.test", "user@rel.test", "bare", "-dash@local.test", '"us er"@a.test')},
}
