"""The messages of the comparison of content inspection: {scenario: parameters, and mail}.

A scenario of a table gives it one rule for each action; each message has the word that triggers a rule (m-reject, ...) in
one place of a message with parts and an attached message. A scenario of limits has one message for each structure.
Content is text; a character above U+007F is that byte.
"""

# word: action. The table is a list of regular expressions that are written in main.cf.
ACTIONS = {
    "m-none": "", "m-bcc": "BCC copy@out.test", "m-bccbad": "BCC nodomain", "m-bccnone": "BCC",
    "m-discard": "DISCARD", "m-discardtext": "DISCARD said so", "m-dunno": "DUNNO", "m-ok": "OK",
    "m-filter": "FILTER discard:filtered", "m-filterbad": "FILTER nonext", "m-filternone": "FILTER",
    "m-hold": "HOLD", "m-holdtext": "HOLD said so", "m-ignore": "IGNORE", "m-info": "INFO", "m-infotext": "INFO said so",
    "m-pass": "PASS", "m-passtext": "PASS said so", "m-prepend": "PREPEND X-New: bare", "m-prependbad": "PREPEND no header",
    "m-prependnone": "PREPEND", "m-redirect": "REDIRECT else@out.test", "m-redirectbad": "REDIRECT nodomain",
    "m-redirectnone": "REDIRECT", "m-reject": "REJECT", "m-rejecttext": "REJECT said so",
    "m-rejectcode": "REJECT 5.9.9 said so", "m-rejectsoft": "REJECT 4.7.1 said so", "m-rejectsmtp": "550 5.7.1 said so",
    "m-replace": "REPLACE X-Rep: bare", "m-replacebad": "REPLACE no header", "m-replacenone": "REPLACE",
    "m-strip": "STRIP", "m-striptext": "STRIP said so", "m-warn": "WARN", "m-warntext": "warn said so",
    "m-delay": "DELAY 1s", "m-unknown": "FROBNICATE said so", "m-later": "WARN later",
}


def _rules(actions):
    escaped = {word: action.replace("$", "$$") for word, action in actions.items() if action}
    return "regexp:{" + " ".join("{/%s$$/ %s}" % rule for rule in escaped.items()) + "}"


_PLACES = ["primary", "folded", "mime", "preamble", "boundary", "part", "text", "nested", "nested-mime", "nested-text",
           "attachment", "epilogue"]


def _structured(place="", mark=""):
    """A multipart message with `mark` in one place. After it comes one more m-later in each kind of place."""
    at = {name: (mark if name == place else "none") for name in _PLACES}
    return (f"From: s@out.test\nTo: r@out.test\nSubject: {at['primary']}\nX-Folded: some\n\ttext {at['folded']}\n"
            "X-Other: end\nMime-Version: 1.0\n"
            f"Content-Description: {at['mime']}\nContent-Type: multipart/mixed;\n\tboundary=\"b1\"\n\n"
            f"preamble {at['preamble']}\n--b1 {at['boundary']}\nContent-Type: text/plain\n"
            f"Content-Description: a\n part {at['part']}\n\ntext {at['text']}\n--b1\nContent-Type: message/rfc822\n\n"
            f"Subject: nested {at['nested']}\nContent-Type: text/plain\nContent-Description: {at['nested-mime']}\n\n"
            f"nested text {at['nested-text']}\n--b1\nContent-Type: application/octet-stream\n"
            f"Content-Transfer-Encoding: base64\n\n{at['attachment']}\n--b1--\nepilogue {at['epilogue']}\n")


def _mails(actions, places):
    return [{"name": f"{word} in {place}", "content": _structured(place, word)} for word in actions for place in places]


def _text(name, content, **more):
    return {"name": name, "content": content, **more}


_HEAD = "From: s@out.test\nTo: r@out.test\nSubject: s\nMime-Version: 1.0\n"


def _nested(kind, depth):
    """multipart/mixed or message/rfc822, one in the other."""
    text = "text\n"
    for level in range(depth, 0, -1):
        if kind == "multipart":
            text = f"Content-Type: multipart/mixed; boundary=x{level}\n\n--x{level}\n{text if level < depth else chr(10) + text}--x{level}--\n"
        else:
            text = f"Content-Type: message/rfc822\n\n{text if level < depth else 'Subject: last' + chr(10) * 2 + text}"
    return _HEAD + text


_ALL_TABLES = {"header_checks": "regexp:{{/./ INFO H}}", "mime_header_checks": "regexp:{{/./ INFO M}}",
               "nested_header_checks": "regexp:{{/./ INFO N}}", "body_checks": "regexp:{{/./ INFO B}}"}

_MULTIPART_HEAD = _HEAD + "Content-Type: multipart/mixed; boundary=ab\n"

# Every line of these is logged with the table that saw it.
_STRUCTURES = [
    _text("plain", _HEAD + "\nbody\n\nmore\n"),
    _text("structured", _structured()),
    _text("no body", _HEAD),
    _text("no empty line", "Subject: s\nthis is no header\nX-A: b\n\nbody\n"),
    _text("body only", "no header at all\nbody\n"),
    _text("From_ line", "From someone Mon Jan  1\nSubject: s\n\nbody\n"),
    _text("From_ line later", "Subject: s\nFrom someone Mon Jan  1\nX-A: b\n\nbody\n"),
    _text("long header", "Subject: " + "x" * 300 + "\n " + "y" * 300 + "\n\nbody\n"),
    _text("message/partial", _HEAD + "Content-Type: message/partial; id=1; number=1; total=2\n\nSubject: inner\n\nbody\n"),
    _text("message/external-body", _HEAD + "Content-Type: message/external-body; access-type=x\n\nContent-Type: text/plain\n\nbody\n"),
    _text("message/delivery-status", _HEAD + "Content-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@b\n"),
    _text("message/global", _HEAD + "Content-Type: message/global\n\nSubject: inner\n\nbody\n"),
    _text("message/news", _HEAD + "Content-Type: message/news\n\nSubject: inner\n\nbody\n"),
    _text("message/rfc822 in base64", _HEAD + "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: inner\n\nbody\n"),
    _text("multipart in base64", _HEAD + "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\nContent-Type: text/plain\n\nx\n--b--\n"),
    _text("multipart without boundary", _HEAD + "Content-Type: multipart/mixed\n\n--b\nContent-Type: text/plain\n\nx\n"),
    _text("multipart with empty boundary", _HEAD + "Content-Type: multipart/mixed; boundary=\"\"\n\n--\nX-A: b\n\nx\n----\nq\n"),
    _text("boundary with blanks", _HEAD + "Content-Type: multipart/mixed; boundary = \"a b\"\n\n--a b  \nX-Part: 1\n\nx\n--a b-- trailing\nafter\n"),
    _text("boundary prefix", _HEAD + "Content-Type: multipart/mixed; boundary=ab\n\n--abc\nX-Part: 1\n\nx\n--ab--\nafter\n"),
    _text("boundary in other case", _HEAD + "CONTENT-TYPE: MULTIPART/MIXED; BOUNDARY=ab\n\n--AB\nX-Part: 1\n\nx\n--ab\nX-Part: 2\n\ny\n"),
    _text("boundary in two parameters", _HEAD + "Content-Type: multipart/mixed; boundary=a; boundary=b\n\n--a\nX-A: 1\n\nx\n--b\nX-B: 1\n\ny\n"),
    _text("boundary with comment", _HEAD + "Content-Type: multipart/mixed (c;c); (x) boundary=(y)ab\n\n--ab\nX-Part: 1\n\nx\n"),
    _text("boundary of two words", _HEAD + "Content-Type: multipart/mixed; boundary=a b\n\n--a\nX-A: 1\n\nx\n--a b\nX-AB: 1\n\ny\n"),
    _text("boundary with escaped quote", _HEAD + "Content-Type: multipart/mixed; boundary=\"a\\\"b\"\n\n--a\"b\nX-A: 1\n\nx\n"),
    _text("boundary is not alone", _HEAD + "Content-Type: multipart/mixed; x=y; charset=\"a;b\"; boundary=ab\n\n--ab\nX-A: 1\n\nx\n"),
    _text("two Content-Type headers", _HEAD + "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\nX-A: 1\n\nx\n"),
    _text("multipart then text", _HEAD + "Content-Type: multipart/mixed; boundary=ab\nContent-Type: text/plain\n\n--ab\nX-A: 1\n\nx\n"),
    _text("digest", _HEAD + "Content-Type: multipart/digest; boundary=ab\n\n--ab\n\nSubject: in digest\n\nbody\n--ab\nX-A: 1\n\nSubject: second\n\nb\n--ab\nContent-Type: text/plain\n\nSubject: no\n--ab--\n"),
    _text("part without empty line", _HEAD + "Content-Type: multipart/mixed; boundary=ab\n\n--ab\nX-A: 1\nno header\nX-B: 1\n--ab\nX-C: 1\n--ab\nno\n--ab--\n"),
    _text("part begins with white space", _HEAD + "Content-Type: multipart/mixed; boundary=ab\n\n--ab\n X-A: 1\nX-B: 2\n\nx\n"),
    _text("outer boundary ends inner", _HEAD + "Content-Type: multipart/mixed; boundary=out\n\n--out\nContent-Type: multipart/mixed; boundary=in\n\n--in\nX-A: 1\n\nx\n--out\nX-B: 1\n\ny\n--in\nX-C: 1\n\nz\n--out--\n--out\nX-D: 1\n"),
    _text("boundary in header of nested", _HEAD + "Content-Type: multipart/mixed; boundary=ab\n\n--ab\nContent-Type: message/rfc822\n\nSubject: inner\n--ab\nX-A: 1\n\nx\n--ab--\n"),
    _text("nested without empty line", _HEAD + "Content-Type: message/rfc822\n\nSubject: inner\nno header\nX-A: 1\n"),
    _text("nested From_ line", _HEAD + "Content-Type: message/rfc822\n\nFrom someone Mon\nSubject: inner\n\nbody\n"),
    _text("nested in nested", _nested("message", 3)),
    _text("multipart in multipart", _nested("multipart", 3)),
    _text("multipart in nested", _HEAD + "Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\nX-A: 1\n\nx\n--ab--\nepilogue\n"),
    _text("same boundary twice", _HEAD + "Content-Type: multipart/mixed; boundary=ab\n\n--ab\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\nX-A: 1\n\nx\n--ab--\nX\n--ab--\nY\n"),
    _text("end boundary first", _HEAD + "Content-Type: multipart/mixed; boundary=ab\n\n--ab--\nX-A: 1\n\n--ab\nX-B: 1\n\nx\n"),
    _text("header with blank before colon", "Subject : s\nX-A:\nX-B :\tb\n\nbody\n"),
    _text("header is only white space", "Subject: s\n \nX-A: b\n \t\n\nbody\n"),
    _text("Content- headers", "Subject: s\nMime-Version: 1.0\nContent-Foo: x\nContent-: y\nContentX: z\nContent-ID: <a>\nContent-Length: 3\n\nbody\n"),
    _text("all Content- headers", "".join(f"Content-{name}: x\n" for name in (
        "Disposition", "Language", "MD5", "Location", "Base", "Features", "Alternative", "Duration", "Class", "Id")) + "\nbody\n"),
    _text("boundary is a header", _HEAD + "Content-Type: multipart/mixed; boundary=\"ab:c\"\n\n--ab:c\nX-A: 1\n--ab:c\nX-B: 1\n\nx\n--ab:c--\n"),
    _text("boundary ends in a fold", _HEAD + "Content-Type: multipart/mixed; boundary=ab\n\n--ab\nX-A: 1\n more\n\nx\n--ab\n\n\ny\n --ab\nz\n"),
    _text("digest in nested in digest", _HEAD + "Content-Type: multipart/digest; boundary=ab\n\n--ab\n\nContent-Type: multipart/mixed; boundary=cd\n\n--cd\n\nX-A: b\n--ab\n\nSubject: c\n\nx\n"),
    _text("header at the end of a part", _MULTIPART_HEAD + "\n--ab\nContent-Type: message/rfc822\n--ab\nX-A: 1\n\nx\n--ab--\n"),
    _text("end boundary in part header", _MULTIPART_HEAD + "\n--ab\nX-A: 1\n--ab--\nX-B: 1\n"),
    _text("boundary in primary header", _MULTIPART_HEAD + "--ab\nX-A: 1\n\nx\n--ab--\n"),
    _text("boundary in primary header, later", _MULTIPART_HEAD + "X-B: b\n--ab\nX-A: 1\n\nx\n--ab--\n"),
    _text("boundary like a header in primary header", _HEAD + "Content-Type: multipart/mixed; boundary=\"ab:c\"\nX-B: 2\n--ab:c\nX-A: 1\n\nx\n"),
    _text("nested after a line that is no header", _HEAD + "Content-Type: message/rfc822\nno header\nX-A: 1\n\nX-B: 1\n\nx\n"),
    _text("digest part after a line that is no header", _HEAD + "Content-Type: multipart/digest; boundary=ab\n\n--ab\nno header\nX-A: 1\n\nX-B: 1\n"),
    _text("mime headers without Mime-Version", "Subject: s\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\nX-A: 1\n\nx\n"),
    _text("no header but parts", "Content-Type: multipart/mixed; boundary=ab\n\n--ab\nno header\n--ab\n\n--ab\nX-A: 1\n"),
    _text("long body line", "Subject: s\n\n" + "b" * 250 + "\n"),
    _text("two recipients", "Subject: s\n\nbody\n", to=["r@out.test", "r2@out.test"]),
    _text("by sendmail", "Subject: s\n\nbody\n", sendmail=True),
    _text("From_ line by sendmail", "From someone Mon Jan  1\nSubject: s\n\nbody\n", sendmail=True),
    _text("dropped headers", "Subject: s\nBcc: x@out.test\nReturn-Path: <x@out.test>\nContent-Length: 7\n\nbody\n"),
    _text("8-bit", "Subject: \xe4\n\nb\xe4dy\n"),
    _text("type with quotes", _HEAD + "Content-Type: \"multipart\"/mixed; boundary=ab\n\n--ab\nX-A: 1\n\nx\n"),
    _text("type with blanks", _HEAD + "Content-Type: multipart / mixed ; boundary=ab\n\n--ab\nX-A: 1\n\nx\n"),
    _text("folded boundary", _HEAD + "Content-Type: multipart/mixed;\n\tboundary=\n ab\n\n--ab\nX-A: 1\n\nx\n"),
    _text("text has boundary", _HEAD + "Content-Type: text/plain; boundary=ab\n\n--ab\nX-A: 1\n\nx\n"),
]

_MULTIPART = _HEAD + "Content-Type: multipart/mixed; boundary=ab\n"
_STRICT = [
    _text("7-bit", _HEAD + "\nbody\n"),
    _text("8-bit in header", "From: s@out.test\nSubject: \xe4\n\nbody\n"),
    _text("8-bit in body", _HEAD + "\nb\xe4dy\n"),
    _text("8-bit in body, announced", _HEAD + "Content-Transfer-Encoding: 8bit\n\nb\xe4dy\n"),
    _text("8-bit in body, binary", _HEAD + "Content-Transfer-Encoding: binary\n\nb\xe4dy\n"),
    _text("8-bit in body, no MIME", "Subject: s\n\nb\xe4dy\n"),
    _text("8-bit in part", _MULTIPART + "\n--ab\n\nb\xe4dy\n--ab--\n"),
    _text("8-bit in part, announced above", _MULTIPART + "Content-Transfer-Encoding: 8bit\n\n--ab\n\nb\xe4dy\n--ab--\n"),
    _text("8-bit in part, announced below", _MULTIPART + "\n--ab\nContent-Transfer-Encoding: 8bit\n\nb\xe4dy\n--ab--\n"),
    _text("8-bit in part, announced twice", _MULTIPART + "Content-Transfer-Encoding: 8bit\n\n--ab\nContent-Transfer-Encoding: 8bit\n\nb\xe4dy\n--ab--\n"),
    _text("8-bit in part header", _MULTIPART + "\n--ab\nX-A: \xe4\n\nbody\n--ab--\n"),
    _text("8-bit in preamble", _MULTIPART + "\npre\xe4mble\n--ab\n\nbody\n--ab--\n"),
    _text("8-bit in nested header", _HEAD + "Content-Type: message/rfc822\n\nSubject: \xe4\n\nbody\n"),
    _text("8-bit in nested body", _HEAD + "Content-Type: message/rfc822\n\nSubject: a\n\nb\xe4dy\n"),
    _text("8-bit in quoted-printable", _HEAD + "Content-Transfer-Encoding: quoted-printable\n\nb\xe4dy\n"),
    _text("multipart in base64", _MULTIPART + "Content-Transfer-Encoding: base64\n\n--ab\n\nbody\n--ab--\n"),
    _text("multipart in quoted-printable", _MULTIPART + "Content-Transfer-Encoding: quoted-printable\n\n--ab\n\nbody\n--ab--\n"),
    _text("multipart in unknown", _MULTIPART + "Content-Transfer-Encoding: x-unknown\n\n--ab\n\nbody\n--ab--\n"),
    _text("message/rfc822 in base64", _HEAD + "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: a\n\nbody\n"),
    _text("message/rfc822 in quoted-printable", _HEAD + "Content-Type: message/rfc822\nContent-Transfer-Encoding: quoted-printable\n\nSubject: a\n\nbody\n"),
    _text("message/partial in base64", _HEAD + "Content-Type: message/partial\nContent-Transfer-Encoding: base64\n\nSubject: a\n\nbody\n"),
    _text("message/delivery-status in base64", _HEAD + "Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\nSubject: a\n\nbody\n"),
    _text("part message/rfc822 in base64", _MULTIPART + "\n--ab\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: a\n\nbody\n--ab--\n"),
    _text("encoding before type", _HEAD + "Content-Transfer-Encoding: base64\nContent-Type: multipart/mixed; boundary=ab\n\n--ab\n\nbody\n--ab--\n"),
    _text("text in unknown", _HEAD + "Content-Transfer-Encoding: x-unknown\n\nbody\n"),
    _text("message/global in base64", _HEAD + "Content-Type: message/global\nContent-Transfer-Encoding: base64\n\nSubject: a\n\nbody\n"),
    _text("8-bit in unknown", _HEAD + "Content-Transfer-Encoding: x-unknown\n\nb\xe4dy\n"),
    _text("8-bit in base64", _HEAD + "Content-Transfer-Encoding: base64\n\nb\xe4dy\n"),
    _text("8-bit in epilogue", _MULTIPART + "\n--ab\n\nx\n--ab--\n\xe4\n"),
    _text("multipart in unknown, not seen", _HEAD + "Content-Type: multipart/mixed\nContent-Transfer-Encoding: base64\n\nx\n"),
    _text("several faults", "From: s@out.test\nSubject: \xe4\nContent-Type: multipart/mixed; boundary=ab\nContent-Transfer-Encoding: base64\n\n\xe4\n"),
    _text("text in two words", _HEAD + "Content-Transfer-Encoding: 8bit (comment) more\n\nb\xe4dy\n"),
]

_BODY_LIMIT_RULES = {"body_checks": "regexp:{{/m-(.*)/ INFO saw $$1}}", "body_checks_size_limit": "20"}
_CHARACTERS = [_text("none", "Subject: s\n\nbody\n"), _text("in header", "Subject: a\x01b\n\nbody\n"),
               _text("in body", "Subject: s\n\nbo\x01dy\n"), _text("in name", "X-\x01: s\n\nbody\n"),
               _text("whole line", "Subject: s\n\n\x01\x01\nmore\n"), _text("before header", "\x01Subject: s\n\nmore\n"),
               _text("whole header value", "Subject: \x01\nX-A: b\n\nmore\n"), _text("in fold", "Subject: a\n \x01b\n\nmore\n")]

_OUTPUT_ACTIONS = {word: action for word, action in ACTIONS.items()
                   if word not in ("m-bccbad", "m-bccnone", "m-filterbad", "m-filternone", "m-redirectbad", "m-redirectnone")}

SCENARIOS = {
    "header_checks": {"parameters": {"header_checks": _rules(ACTIONS), "mime_header_checks": "", "nested_header_checks": ""},
                      "mail": _mails(ACTIONS, ["primary"]) + _mails(["m-warn", "m-reject", "m-replace", "m-prepend", "m-strip", "m-pass"], ["folded"]) +
                      _mails(["m-warn"], _PLACES)},
    "mime_header_checks": {"parameters": {"mime_header_checks": _rules(ACTIONS)},
                           "mail": _mails(ACTIONS, ["part"]) + _mails(["m-replace", "m-prepend", "m-ignore", "m-reject"], ["mime", "nested-mime"]) + _mails(["m-warn"], _PLACES)},
    "nested_header_checks": {"parameters": {"nested_header_checks": _rules(ACTIONS)},
                             "mail": _mails(ACTIONS, ["nested"]) + _mails(["m-warn"], _PLACES)},
    "body_checks": {"parameters": {"body_checks": _rules(ACTIONS)},
                    "mail": _mails(ACTIONS, ["text"]) + _mails(["m-warn"], _PLACES) +
                    _mails(["m-prepend", "m-replace", "m-ignore", "m-reject"], ["preamble", "boundary", "nested-text", "attachment", "epilogue"])},
    "default-tables": {"parameters": {"header_checks": _rules(ACTIONS)}, "mail": _mails(["m-warn", "m-reject"], _PLACES)},
    "several-matches": {
        "parameters": {"header_checks": _rules(ACTIONS), "body_checks": _rules(ACTIONS)},
        "mail": [_text(f"{first} then {second}", f"From: s@out.test\nX-1: {first}\nX-2: {second}\n\n{second}\n")
                 for first in ("m-pass", "m-discard", "m-reject", "m-hold", "m-redirect", "m-filter", "m-bcc", "m-warn",
                               "m-replace")
                 for second in ("m-reject", "m-discard", "m-warn", "m-filter", "m-hold", "m-redirect", "m-bcc")]},
    "rewriting": {
        "parameters": {"header_checks": "regexp:{{/^From: .*in@x.test/ REPLACE From: replaced} {/^To: (u)@x/ REPLACE To: $$1@y.test} "
                       "{/^Cc:/ PREPEND Cc: prepended} {/^X-Id/ REPLACE Message-Id: <replaced@x.test>} {/^X-Two: (.*)/ REPLACE X-Two: "
                       "<$$1>} {/^Sender:/ IGNORE} {/^Date:/ STRIP} {/^Reply-To: bare$$/ WARN not yet rewritten} "
                       "{/^X-Empty:/ REPLACE X-Empty:} {/^X-Ct:/ REPLACE Content-Type: multipart/mixed; boundary=ab}}",
                       "mime_header_checks": "", "nested_header_checks": "",
                       "canonical_maps": "inline:{u@y.test=canonical@y.test}"},
        "mail": [_text("replaced sender", "From: in@x.test\n\nx\n"), _text("replaced recipient", "To: u@x.test\n\nx\n"),
                 _text("prepended", "Cc: bare\n\nx\n"), _text("replaced by a Message-Id", "X-Id: a\n\nx\n"),
                 _text("folded", "X-Two: a\n  b\n\tc\n\nx\n"), _text("removed", "Sender: a\nDate: x\nSubject: b\n\nx\n"),
                 _text("before rewriting", "Reply-To: bare\n\nx\n"), _text("without value", "X-Empty: a\n\nx\n"),
                 _text("by a type", "X-Ct: a\n\n--ab\nX-A: 1\n\nx\n--ab--\n")]},
    "own-headers": {
        "parameters": {"header_checks": "regexp:{{/^(Received|Date|Message-Id|X-Access|From):/ WARN}}",
                       "smtpd_recipient_restrictions": "check_recipient_access inline:{{r@out.test=prepend X-Access: yes}}"},
        "mail": [_text("nothing there", "Subject: s\n\nx\n"), _text("Received:", "Received: from x\n\tby y\nSubject: s\n\nx\n")]},
    "replace-received": {
        "parameters": {"header_checks": "regexp:{{/^Received: from .*client.test/ IGNORE}}"},
        "mail": [_text("plain", "Subject: s\n\nx\n")]},
    "by-sendmail": {"parameters": {"header_checks": _rules(ACTIONS)},
                    "mail": [mail | {"sendmail": True} for mail in
                             _mails(["m-discard", "m-warn"], ["primary"])]},
    "failing-table": {"parameters": {"header_checks": "fail:broken"}, "mail": [_text("plain", "Subject: s\n\nx\n")]},
    "failing-body-table": {"parameters": {"body_checks": "fail:broken"},
                           "mail": [_text("plain", "Subject: s\n\nx\n"), _text("no body", "Subject: s\n")]},
    "not-inspected": {"parameters": {"header_checks": _rules(ACTIONS), "body_checks": _rules(ACTIONS),
                                     "receive_override_options": "no_header_body_checks", "strict_8bitmime": "yes",
                                     "message_reject_characters": "\\001", "mime_nesting_limit": "2"},
                      "mail": _mails(["m-reject"], ["primary", "part", "text"]) +
                      [_text("8-bit", "Subject: \xe4\n\n\xe4\n"), _text("character", "Subject: \x01\n\nx\n"),
                       _text("deep", _nested("multipart", 4))]},
    "structures": {"parameters": _ALL_TABLES | {"header_size_limit": "400"}, "mail": _STRUCTURES},
    "no-mime": {"parameters": _ALL_TABLES | {"disable_mime_input_processing": "yes"},
                "mail": [_text("structured", _structured()), _text("nested", _nested("message", 2)),
                         _text("8-bit", "Subject: \xe4\n\nb\xe4dy\n"), _text("no empty line", "Subject: s\nno header\nX-A: b\n\nx\n")]},
    "nesting": {"parameters": {"mime_nesting_limit": "3"},
                "mail": [_text(f"{kind} {depth}", _nested(kind, depth)) for kind in ("multipart", "message") for depth in (1, 2, 3, 4, 5)]},
    "nesting-strict": {"parameters": {"mime_nesting_limit": "3", "strict_8bitmime": "yes"},
                       "mail": [_text(f"{kind} {depth}", _nested(kind, depth)) for kind in ("multipart", "message") for depth in (3, 4)]},
    "nesting-logged": {"parameters": {"mime_nesting_limit": "3"} | _ALL_TABLES,
                       "mail": [_text(f"{kind} {depth}", _nested(kind, depth)) for kind in ("multipart", "message") for depth in (3, 4)]},
    "boundary-length": {"parameters": {"mime_boundary_length_limit": "4"} | _ALL_TABLES,
                        "mail": [_text("short", _HEAD + "Content-Type: multipart/mixed; boundary=abcd\n\n--abcd\nX-A: 1\n\nx\n--abcd--\n"),
                                 _text("long", _HEAD + "Content-Type: multipart/mixed; boundary=abcdef\n\n--abcdef\nX-A: 1\n\nx\n--abcd\nX-B: 1\n\ny\n--abcdXY--\nz\n"),
                                 _text("two", _HEAD + "Content-Type: multipart/mixed; boundary=abcdef\n\n--abcdef\nContent-Type: multipart/mixed; boundary=abcdgh\n\n--abcdgh\nX-A: 1\n\nx\n--abcdef\nX-B: 1\n")]},
    "header-size": {"parameters": {"header_size_limit": "60"} | _ALL_TABLES,
                    "mail": [_text("primary", "Subject: " + "x" * 70 + "\nX-A: b\n\nbody\n"),
                             _text("primary in lines", "Subject: " + "x" * 30 + "\n" + " yyyyyyyyyyyyyyyyyyy\n" * 4 + "X-A: b\n\nbody\n"),
                             _text("part", _MULTIPART + "\n--ab\nX-A: " + "x" * 70 + "\n more\n\nx\n--ab--\n"),
                             _text("nested", _HEAD + "Content-Type: message/rfc822\n\nSubject: " + "x" * 70 + "\nX-A: b\n\nx\n"),
                             _text("exactly", "Subject: " + "x" * 51 + "\nX-A: b\n\nbody\n"),
                             _text("one more", "Subject: " + "x" * 52 + "\nX-A: b\n\nbody\n")]},
    "header-size-without-checks": {
        "parameters": {"header_size_limit": "60"},
        "mail": [_text("primary", "Subject: " + "x" * 70 + "\nX-A: b\n\nbody\n"),
                 _text("part", _MULTIPART + "\n--ab\nX-A: " + "x" * 70 + "\n more\n\nx\n--ab--\n"),
                 _text("nested", _HEAD + "Content-Type: message/rfc822\n\nSubject: " + "x" * 70 + "\nX-A: b\n\nx\n")]},
    "body-size": {"parameters": _BODY_LIMIT_RULES,
                  "mail": [_text("plain", "Subject: s\n\nm-12345\nm-12345\nm-12345\nm-12345\nm-12345\n"),
                           _text("exactly", "Subject: s\n\nm-34567890\nm-34567890\nm-late\n"),
                           _text("one less", "Subject: s\n\nm-34567890\nm-3456789\nm-late\nm-later\n"),
                           _text("long first", "Subject: s\n\nm-" + "x" * 30 + "\nm-late\n"),
                           _text("18", "Subject: s\n\nm-" + "x" * 16 + "\nm-late\n"), _text("17", "Subject: s\n\nm-" + "x" * 15 + "\nm-late\n"),
                           _text("8, 8", "Subject: s\n\nm-xxxxxx\nm-xxxxxx\nm-late\n"), _text("17, empty", "Subject: s\n\nm-" + "x" * 15 + "\n\nm-late\n"),
                           _text("parts", _MULTIPART + "\nm-pre\n--ab\n\nm-12345678901234\nm-late1\nm-late2\n--ab\nX-A: m-h\n\nm-12345678901234\nm-late1\nm-late2\n--ab--\nm-end\n"),
                           _text("nested", _HEAD + "Content-Type: message/rfc822\n\nSubject: a\n\nm-12345678901234\nm-late1\nm-late2\n")]},
    "body-size-zero": {"parameters": _BODY_LIMIT_RULES | {"body_checks_size_limit": "0"},
                       "mail": [_text("plain", "Subject: s\n\nm-12345\nm-12345\n")]},
    "line-length": {"parameters": {"body_checks": "regexp:{{/m-/ INFO} {/r-/ REPLACE new} {/i-/ IGNORE} {/p-/ PREPEND new}}",
                                   },
                    "mail": [_text("short", "Subject: s\n\nm-1\n"), _text("second piece", "Subject: s\n\n" + "x" * 2048 + "m-1\n"),
                             _text("across", "Subject: s\n\n" + "x" * 2047 + "m-1\n"), _text("exactly", "Subject: s\n\n" + "m-" + "x" * 2046 + "\nend\n"),
                             *[_text(f"{mark} in a piece", f"Subject: s\n\n" + "x" * 2048 + f"{mark}1" + "y" * 2045 + "z\nend\n") for mark in ("r-", "i-", "p-")],
                             _text("long header", "Subject: " + "x" * 400 + "\n" + "y" * 350 + ": x\n\nbody\n")]},
    "strict_7bit_headers": {"parameters": {"strict_7bit_headers": "yes"}, "mail": _STRICT},
    "strict_8bitmime": {"parameters": {"strict_8bitmime": "yes"}, "mail": _STRICT},
    "strict_8bitmime_body": {"parameters": {"strict_8bitmime_body": "yes"}, "mail": _STRICT},
    "strict_mime_encoding_domain": {"parameters": {"strict_mime_encoding_domain": "yes"}, "mail": _STRICT},
    "strict-all-without-mime": {"parameters": {"strict_8bitmime": "yes", "strict_mime_encoding_domain": "yes",
                                               "disable_mime_input_processing": "yes"}, "mail": _STRICT},
    "not-strict": {"parameters": {}, "mail": _STRICT},
    "message_reject_characters": {"parameters": {"message_reject_characters": "\\001"}, "mail": _CHARACTERS},
    "message_strip_characters": {"parameters": {"message_strip_characters": "\\001"}, "mail": _CHARACTERS},
    "strip-and-checks": {"parameters": {"message_strip_characters": "\\001"} | _ALL_TABLES, "mail": _CHARACTERS},
    "smtp_header_checks": {"parameters": {"smtp_header_checks": _rules(_OUTPUT_ACTIONS)},
                           "mail": _mails(_OUTPUT_ACTIONS, ["primary"]) + _mails(["m-replace", "m-prepend", "m-ignore", "m-info"], ["folded"]) + _mails(["m-warn"], _PLACES)},
    "smtp_mime_header_checks": {"parameters": {"smtp_mime_header_checks": _rules(_OUTPUT_ACTIONS)},
                                "mail": _mails(["m-replace", "m-prepend", "m-ignore", "m-info", "m-reject"], ["mime", "part", "nested-mime"]) + _mails(["m-warn"], _PLACES)},
    "smtp_nested_header_checks": {"parameters": {"smtp_nested_header_checks": _rules(_OUTPUT_ACTIONS)},
                                  "mail": _mails(["m-replace", "m-prepend", "m-ignore", "m-info", "m-reject"], ["nested"]) + _mails(["m-warn"], _PLACES)},
    "smtp_body_checks": {"parameters": {"smtp_body_checks": _rules(_OUTPUT_ACTIONS)},
                         "mail": _mails(_OUTPUT_ACTIONS, ["text"]) + _mails(["m-warn"], _PLACES)},
    "smtp-failing-table": {"parameters": {"smtp_header_checks": "fail:broken"}, "mail": [_text("plain", "Subject: s\n\nx\n", defers=True)]},
    "smtp-body-size": {"parameters": {"smtp_body_checks": "regexp:{{/m-/ INFO}}", "body_checks_size_limit": "20"},
                       "mail": [_text("plain", "Subject: s\n\nm-12345\nm-12345\nm-12345\nm-12345\nm-12345\n")]},
    "access": {
        "parameters": {"smtpd_recipient_restrictions": "check_recipient_access inline:{hold@out.test=hold, {holdtext@out.test=hold said so}, "
                       "{redirect@out.test=redirect else@out.test}, {filter@out.test=filter discard:filtered}, discard@out.test=discard, "
                       "{discardtext@out.test=discard said so}, {bcc@out.test=bcc copy@out.test}, {prepend@out.test=prepend X-New: bare}, "
                       "{warn@out.test=warn}, {warntext@out.test=warn said so}, {info@out.test=info}, {infotext@out.test=info said so}, "
                       "{redirectbad@out.test=redirect nodomain}, {filterbad@out.test=filter nonext}, {bccbad@out.test=bcc nodomain}, "
                       "{bccnone@out.test=bcc}, {filternone@out.test=filter}, {redirectnone@out.test=redirect}, {prependnone@out.test=prepend}, "
                       "{prependbad@out.test=prepend no header}}"},
        "mail": [_text(name, "Subject: s\n\nx\n", to=[f"{name}@out.test"]) for name in
                 ("hold", "holdtext", "redirect", "filter", "discard", "discardtext", "bcc", "prepend", "warn", "warntext",
                  "info", "infotext", "redirectbad", "filterbad", "bccbad", "bccnone", "filternone", "redirectnone",
                  "prependnone", "prependbad")] +
                [_text("hold and another", "Subject: s\n\nx\n", to=["hold@out.test", "r@out.test"])]},
}
