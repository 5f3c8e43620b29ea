"""The modes and options of postconf(1) for main.cf, alone and together, what it refuses, and how it edits."""
from sample import Sample

from support.paths import YARDSTICK_ROOT

# Postfix's postconf leaves templates to the bounce service, which it looks for in daemon_directory.
_BOUNCE = (f"#!/bin/bash\nLD_LIBRARY_PATH={YARDSTICK_ROOT}/usr/lib/postfix exec -a postconf "
           f'{YARDSTICK_ROOT}/usr/lib/postfix/sbin/bounce "$@"\n')

_MAIN = """\
# who we are
myorigin = $mydomain
mydestination = $myhostname, localhost.$mydomain,
    # not for others
    localhost, mail.$mydomain, www.$mydomain, ftp.$mydomain, news.$mydomain
mine = ${word?{set}:{not set}}
word = x

always_bcc = $mine
slow_destination_rate_delay = 1s
bogus = 1
"""

_QUERIES = [
    "-n", "-nf", "-nh", "-nH", "-nx", "-nxf", "-nhf", "-nhx", "-nHx", "-nHf", "mydestination", "-f mydestination",
    "-x mydestination", "-xf mydestination", "-h mydestination", "-hf mydestination", "-hxf mydestination",
    "-H mydestination", "-d mydestination", "-dx myorigin", "-dh myorigin", "-dH myorigin", "-df smtpd_relay_restrictions",
    "-dxf mydestination", "-n mydestination always_bcc", "-n smtpd_timeout", "-nx smtpd_timeout", "-d mine", "-x mine", "mine",
    "mine word myorigin", "word mine word", "slow_destination_rate_delay", "slow_recipient_limit", "-d slow_recipient_limit",
    "-x slow_recipient_limit", "-d slow_destination_rate_delay", "-n slow_recipient_limit", "bogus", "-x bogus", "-n bogus",
    "no_such_name", "-h no_such_name", "-d no_such_name", "-n no_such_name", "mydestinaton", "''", "' myorigin'", "myorigin ''",
    "-p myorigin", "-p -n", "-o word= mine", "-o word= -x mine", "-o word= -n word", "-o word=$mail_name -x word",
    "-o new=1 new", "-o new=1 -n", "-o new=1 -x -o always_bcc=$new always_bcc", "-o 'word = spaced  out ' word",
    "-o word=a -o word=b word", "-o stress=yes -x smtpd_timeout", "-o stress= -x smtpd_timeout", "-o word", "-o =x word",
    "-o mine= -d mine", "-o myorigin=q -d myorigin", "-C builtin -n", "-C service -n", "-C user -n", "-C all -n",
    "-C user,service -n", "-C 'user service' -n", "-C builtin,all -n", "-C nonsense -n", "-C '' -n", "-C user,nonsense -n",
    "-C user", "-C user -d", "-C user -h", "-C user myorigin", "-C builtin mine", "-C service slow_recipient_limit",
    "-d -C user", "smtpd_recipient_limit smtpd_timeout disable_vrfy_command", "-x smtpd_timeout smtpd_hard_error_limit",
    "-d smtpd_timeout", "-dx smtpd_timeout", "-h myorigin word", "-H myorigin word", "process_name", "-hd myorigin",
    "config_directory", "-d config_directory", "-x config_directory",
]

_REFUSED = [
    "-dn", "-hH", "-e", "-X", "-#", "-e myorigin", "-e =x", "-e 'a b=c'", "-X myorigin=x", "'-#' myorigin=x", "-de a=b",
    "-ne a=b", "-xe a=b", "-he a=b", "-fe a=b", "-eX a", "-e -X a=b", "-e '-#' a=b", "-X '-#' a", "-y", "--version", "-",
    "-c", "-C", "-o", "-T", "-T nonsense", "-M -F", "-MP", "-FP", "-pM", "-Mn", "-Md", "-Fn", "-Pd", "-Mh", "-MH", "-bt",
    "-b a b", "-t a b", "-lm", "-ml", "-aA", "-l x", "-a x", "-dM", "-C user -M", "-Me a=b", "-Me a/b=c", "-MX", "-M#",
    "-F# a/b/c", "-FX a/b/c", "-P# a/b/c", "-Fe a=b", "-Pe a/b=c", "a=b -n", "-n a=b", "-e a=b -X", "-d -e", "a=b c", "-e a=b c",
    "-e 'a=b\nc=d'", "'a=b\nc'", "-X 'a\nb'", "-Me 'a/unix=a unix - - - - - x\ny unix - - - - - z'", "-t -n", "-b -x", "-t -e a=b",
    "-l -n", "-m -h", "-v -l", "-o a=b -e c=d", "-C user -e c=d", "-p a=b -d",
]

_EDITS = [
    "-e always_bcc=new", "always_bcc=new", "always_bcc=", "always_bcc =  spaced   out ", "-e 'always_bcc = a' myorigin=b",
    "-e brand_new=1", "-e 'brand_new = $always_bcc'", "-e mydestination=a", "-e always_bcc=1 always_bcc=2", "-e a=1 b=2 c=3",
    "-e smtpd_timeout=5s", "-e 'x=a # b'", "-e 'x=#'", "-e x=a=b", "-e 'x = \ty\t'", "-p always_bcc=q", "-e 'x= {a b} $c '",
    "-X always_bcc", "-X mydestination", "-X always_bcc myorigin", "-X no_such_name", "-X always_bcc no_such_name", "-X ''",
    "-X 'always_bcc '", "-X 'my origin'", "-# always_bcc", "-# mydestination", "-# always_bcc myorigin", "-# no_such_name",
    "-# bogus", "-X bogus", "-#p always_bcc", "-eh always_bcc=z", "-ef always_bcc=z", "-e ' always_bcc=z'", "-e 'my origin=z'",
    "-e '#x=y'", "-e '=y'", "-X '#x'",
]
_EDITED = {
    "plain": _MAIN,
    "twice": "always_bcc = a\nmydestination = x,\n y\nalways_bcc = b\n# end\n",
    "layout": "\n\n#always_bcc = old\n always_bcc = no name\nalways_bcc   =\n\n\n    a\n# inside\n    b\n# behind\n\nmyorigin=c\n\n",
    "no line end": "myorigin = x\nalways_bcc = a",
    "line ends of another system": "always_bcc = a\r\nmyorigin = b\r\n",
    "mistake": "myorigin = x\nalways_bcc\nmydestination = y\n",
    "empty": "",
}
_FEW = ["-e always_bcc=new", "-e brand_new=1", "-X always_bcc", "-# always_bcc", "-e myorigin=m always_bcc=n"]

COMMANDS = {
    "queries": Sample(_MAIN, *_QUERIES),
    "refused": Sample(_MAIN, *_REFUSED),
    "edits: plain": Sample(_MAIN, *_EDITS),
    "lists": Sample("", "-l", "-a", "-A", "-T compile-version", "-T run-version", "-T public-key-algorithms"),
    "no main.cf": Sample(None, "-n", "-d myorigin", "-e a=b", "-M smtp/inet", "-l"),
    "no master.cf": Sample("myorigin = a\nbogus = 1\n", "-n", "myorigin", "-M", "-F", "-P", "-Me a/unix=x", "-d myorigin",
                           "-e a=b", "-C service", master=None),
    "neither": Sample(None, "-n", "-d myorigin", "-M", "-e a=b", master=None),
    "templates from a file": Sample(
        "mail_owner = daemon\nsetgid_group = tty\ndaemon_directory = DIR\n", "-t DIR/template", "-b DIR/template", "-t DIR/nosuch", "-b DIR/nosuch", "-t DIR/wrong",
        "-b DIR/wrong", "-t DIR/undefined", "-b DIR/undefined", "-n -t DIR/template", "-t DIR/empty_template",
        files={"bounce": _BOUNCE, "template": "failure_template = <<EOF\nCharset: us-ascii\nFrom: MAILER-DAEMON (Mail Delivery System)\n"
                           "Subject: Undelivered Mail Returned to Sender\nPostmaster-Subject: Postmaster Copy: Undelivered Mail\n\n"
                           "Host $myhostname has $mail_name.\nIt waited $maximal_queue_lifetime_hours hours.\nEOF\n\n"
                           "delay_template = <<XYZ\nCharset: iso-8859-1\nFrom: nobody\nSubject: Delayed\n"
                           "Postmaster-Subject: copy\n\n$$5 after $delay_warning_time_hours or ${delay_warning_time_minutes}\nXYZ\n"
                           "success_template = <<EOF\nCharset: utf-8\nFrom: a\nSubject: b\n\ndone\nEOF\n"
                           "verify_template = <<EOF\nCharset: us-ascii\nFrom: a\nSubject: b\n\nverified\nEOF\n",
               "wrong": "failure_template = <<EOF\nno end\n", "empty_template": "",
               "undefined": "success_template = <<EOF\nCharset: us-ascii\nFrom: a\nSubject: b\n\n$nobody\nEOF\n"}),
}
COMMANDS |= {f"edits: {name}": Sample(text, *_FEW) for name, text in _EDITED.items() if name != "plain"}
COMMANDS |= {
    "edits: bare": Sample("", "-e a=b", "-X a", "-# a", bare=True),
    "every level": Sample("", *[f"-o compatibility_level={level} -x append_dot_mydomain mynetworks_style relay_domains "
                                "smtpd_relay_restrictions smtputf8_enable smtp_tls_fingerprint_digest"
                                for level in ("0", "1", "2", "3.6", "3.6.1", "9999")]),
    "level that is none": Sample("compatibility_level = abc\n", "-n", "-x relay_domains", bare=True),
    "level missing": Sample("myhostname = a.b.test\n", "-n", "-x relay_domains", bare=True),
    "host computed from the domain": Sample("mydomain = d.test\nmyhostname = mail.$mydomain\n", "-x myhostname myorigin mydestination",
                                            "myhostname mydomain", bare=True),
    "domain computed from the host": Sample("myhostname = a.b.c.test\n", "mydomain", "-x mydomain mydestination", bare=True),
    "host without a dot": Sample("myhostname = single\n", "-x mydomain myorigin", bare=True),
}
