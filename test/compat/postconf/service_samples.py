"""master.cf: printing, editing, and what is wrong in it."""
from sample import MASTER, Sample

_SERVICES = MASTER + """\
127.0.0.1:10025 inet n    -       n       -       10      smtpd -v
  -o content_filter= -o {smtpd_client_restrictions = permit_mynetworks, reject}
# kept
  -o mynetworks=127.0.0.0/8 -o smtpd_authorized_xforward_hosts=$mynetworks
a-very-long-service-name unix - - n - - smtp -o syslog_name=postfix/$service_name -D -o always_bcc=x
public/box unix n - - 60? - pickup
relay/pass pass - - n - - smtpd
old fifo n - n 300 1 qmgr -vv
"""

_QUERIES = [
    "-M", "-Mf", "-Mx", "-Mxf", "-M smtp", "-M smtp/inet", "-M smtp/unix slow", "-M */unix", "-M */*", "-M '*'", "-M smtp/*",
    "-M nosuch", "-M nosuch/unix", "-M smtp/nosuch", "-M smtp nosuch smtp/inet", "-M smtp/inet/x", "-M ''", "-M /", "-M smtp/",
    "-M 127.0.0.1:10025", "-M 127.0.0.1:10025/inet", "-Mf mailman", "-Mf 127.0.0.1:10025", "-Mf a-very-long-service-name",
    "-M smtp.inet", "-Mo a=b smtp/inet", "-F smtp/inet", "-F smtp/inet/chroot", "-F */*/chroot", "-F */inet/command", "-F smtp",
    "-F policy/unix/command", "-Ff mailman/unix/command", "-F smtp/inet/nosuch", "-F nosuch", "-Fh smtp/inet", "-FH smtp/inet",
    "-FhH smtp/inet", "-Ff 127.0.0.1:10025/inet", "-Fx mailman/unix", "-F */*/private", "-F smtp/inet/*", "-F '*/*/*'", "-F a/b/c/d",
    "-F smtp/inet/service smtp/inet/type", "-F public/box", "-F relay/pass/pass", "-F old/fifo", "-P", "-Pf", "-Ph", "-PH", "-Px",
    "-P 127.0.0.1:10025", "-P 127.0.0.1:10025/inet/mynetworks", "-P */*/mynetworks", "-Px */inet/smtpd_authorized_xforward_hosts",
    "-P smtp", "-P smtp/inet/always_bcc", "-P nosuch/unix/x", "-Pxh a-very-long-service-name", "-P '*/unix/*'",
    "-Px -o mynetworks=q 127.0.0.1:10025",
]

_EDITS = [
    "-Me 'slow/unix=slow unix - - n - 5 smtp -o x=y'", "-Me 'new/inet=new inet n - n - - smtpd'", "-M 'new/inet=new inet n - n - - smtpd'",
    "-Me 'slow/unix=quick unix - - n - - smtp'", "-Me 'slow/unix=slow unix - -'", "-Me 'slow/unix='", "-Me slow=x", "-Me slow/nosuch=x",
    "-Me 'slow/unix=slow unix - - n - - smtp' 'error/unix=error unix - - n - - error -v'",
    "-Me 'mailman/unix=mailman unix - n n - - pipe flags=F user=a argv=/bin/b ${nexthop} {c d}'", "-MX slow/unix", "-MX slow",
    "-MX nosuch/unix", "-MX mailman/unix", "-MX smtp/inet smtp/unix", "-MX */unix", "-MX 127.0.0.1:10025/inet", "-M# slow/unix",
    "-M# mailman/unix", "-M# 127.0.0.1:10025/inet", "-M# nosuch/unix", "-M# slow", "-Fe slow/unix/chroot=n", "-F slow/unix/chroot=n",
    "-Fe */unix/chroot=n", "-Fe slow/unix/nosuch=1", "-Fe nosuch/unix/chroot=n", "-Fe slow/unix=x", "-Fe slow/unix/chroot=x",
    "-Fe slow/unix/wakeup=abc", "-Fe slow/unix/process_limit=7", "-Fe 'slow/unix/command=smtp -o a=b -v'", "-Fe slow/unix/command=",
    "-Fe slow/unix/type=inet", "-Fe slow/unix/service=quick", "-Fe slow/unix/private=", "-Fe 'slow/unix/chroot=n x'",
    "-Fe 127.0.0.1:10025/inet/chroot=y", "-Fe slow/unix/chroot=n slow/unix/process_limit=3", "-Fe mailman/unix/unprivileged=y",
    "-Pe slow/unix/always_bcc=a", "-P slow/unix/always_bcc=a", "-Pe 'slow/unix/always_bcc=a b c'", "-Pe slow/unix/always_bcc=",
    "-Pe slow/unix/always_bcc=1 slow/unix/myorigin=2", "-Pe */unix/always_bcc=q", "-Pe nosuch/unix/a=b", "-Pe slow/unix=b",
    "-Pe 127.0.0.1:10025/inet/mynetworks=10.0.0.0/8", "-Pe 127.0.0.1:10025/inet/new=1",
    "-Pe '127.0.0.1:10025/inet/smtpd_client_restrictions=reject'", "-Pe mailman/unix/always_bcc=x", "-Pe policy/unix/always_bcc=x",
    "-Pe a-very-long-service-name/unix/always_bcc=y", "-PX 127.0.0.1:10025/inet/mynetworks", "-PX 127.0.0.1:10025/inet/nosuch",
    "-PX */*/always_bcc", "-PX nosuch/unix/a", "-PX 127.0.0.1:10025/inet", "-PX 127.0.0.1:10025/inet/smtpd_client_restrictions",
    "-PX 127.0.0.1:10025/inet/content_filter 127.0.0.1:10025/inet/mynetworks", "-PX 127.0.0.1:10025/inet/*", "-Pe old/fifo/a=b",
    "-Pe 'slow/unix/a = b'",
]

_MISTAKES = {
    "too few fields": "a unix - - n - -\n",
    "one field": "a\n",
    "unknown type": "a udp - - n - - smtp\n",
    "private": "a unix x - n - - smtp\n",
    "private, inet": "a inet y - n - - smtp\n",
    "private, inet, default": "a inet - - n - - smtp\n",
    "unprivileged": "a unix - x n - - smtp\n",
    "chroot": "a unix - - maybe - - smtp\n",
    "wakeup": "a unix - - n x - smtp\n",
    "wakeup, negative": "a unix - - n -1 - smtp\n",
    "wakeup, question only": "a unix - - n ? - smtp\n",
    "process limit": "a unix - - n - x smtp\n",
    "process limit, negative": "a unix - - n - -1 smtp\n",
    "command with a slash": "a unix - - n - - /usr/bin/smtp\n",
    "option without value": "a unix - - n - - smtp -o\n",
    "option without equals": "a unix - - n - - smtp -o x\n",
    "option without name": "a unix - - n - - smtp -o =x\n",
    "option with a blank": "a unix - - n - - smtp -o x= y\n",
    "option in one word": "a unix - - n - - smtp -oalways_bcc=y\n",
    "options joined": "a unix - - n - - smtp -vo always_bcc=y\n",
    "option behind the arguments": "a unix - n n - - pipe flags=F argv=/bin/x -o always_bcc=y\n",
    "option, empty value": "a unix - - n - - smtp -o always_bcc=\n",
    "option twice": "a unix - - n - - smtp -o always_bcc=1 -o always_bcc=2\n",
    "option in braces": "a unix - - n - - smtp -o { always_bcc = b c } -o {myorigin=d}\n",
    "option in braces, not closed": "a unix - - n - - smtp -o { always_bcc = b c\n",
    "option in braces, text behind": "a unix - - n - - smtp -o {always_bcc=b}c\n",
    "option in braces, nested": "a unix - - n - - smtp -o { always_bcc = ${x?{y}:{z}} }\n",
    "argument in braces": "a unix - n n - - pipe user=a argv=/bin/x {b c} { d } {} {e{f}g}\n",
    "argument in braces, not closed": "a unix - n n - - pipe user=a argv=/bin/x {b c\n",
    "argument with braces inside": "a unix - n n - - pipe user=a argv=/bin/x b{c d}e }f\n",
    "empty name": "= unix - - n - - smtp\n",
    "twice": "a unix - - n - - smtp\nb unix - - n - - smtp\na unix - - n - 3 lmtp\n",
    "same name, other type": "a unix - - n - - smtp\na inet n - n - - smtp\n",
    "first line continued": "  a unix - - n - - smtp\nb unix - - n - - smtp\n",
    "continued in odd places": "a unix\n - - n\n# x\n\n - -\n smtp\n -v\n",
    "no line end": "a unix - - n - - smtp -v",
    "tabs": "a\tunix\t-\t-\tn\t-\t-\tsmtp\t-v\n",
    "carriage returns": "a unix - - n - - smtp\r\nb unix - - n - - smtp\r\n",
    "hash behind a service": "a unix - - n - - smtp # x\n",
    "expression not closed": "a unix - - n - - smtp -o always_bcc=${x\n",
    "undefined name": "a unix - - n - - smtp -o always_bcc=$nobody\n",
    "long": f"a unix - n n - - pipe flags={'F' * 40} user=somebody argv=/bin/x " + " ".join(f"argument{n}" for n in range(20)) + "\n",
    "long name": f"{'n' * 30} unix - - n - - smtp\n",
    "wide fields": "smtp.example.com:2525 inet n - n 1234567890 123456789 a-long-command-name -v\n",
    "dash alone": "a unix - n n - - pipe - user=a argv=x -o b=c\n",
    "two dashes": "a unix - - n - - smtp -- -o always_bcc=c\n",
}

SERVICES = {
    "services: queries": Sample("always_bcc = a\n", *_QUERIES, master=_SERVICES),
    "services: edits": Sample("", *_EDITS, master=_SERVICES),
}
SERVICES |= {f"services: {name}": Sample("", "-M", "-Mf", "-F", "-Px", "-n myhostname", "-Me 'b/unix=b unix - - n - - smtp'",
                                         "-Fe */*/chroot=y", master=text) for name, text in _MISTAKES.items()}
