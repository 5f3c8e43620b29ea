"""The configuration of private instances: small main.cf defaults for tests, and master.cf.

A test gives main.cf parameters as keywords and sees in its own text all that matters to it.
"""
import os
import pathlib
import pwd
import re

from support.paths import BUILD, ROOT, YARDSTICK_ROOT

# Debian's standard accounts serve as mail_owner, as the group of postdrop and as local recipient, so that nothing is
# added to the machine. The accounts need to exist, not to have anything to do with mail.
MAIL_OWNER, SETGID_GROUP, LOCAL_USER = "uucp", "news", "bin"

# Debian's defaults for a Postfix 3.7, without chroot. Posthaste's own are conf/master.cf.
_POSTFIX_MASTER = """\
pickup    unix  n       -       n       60      1       pickup
cleanup   unix  n       -       n       -       0       cleanup
qmgr      unix  n       -       n       300     1       qmgr
tlsmgr    unix  -       -       n       1000?   1       tlsmgr
rewrite   unix  -       -       n       -       -       trivial-rewrite
bounce    unix  -       -       n       -       0       bounce
defer     unix  -       -       n       -       0       bounce
trace     unix  -       -       n       -       0       bounce
verify    unix  -       -       n       -       1       verify
flush     unix  n       -       n       1000?   0       flush
proxymap  unix  -       -       n       -       -       proxymap
proxywrite unix -       -       n       -       1       proxymap
smtp      unix  -       -       n       -       -       smtp
relay     unix  -       -       n       -       -       smtp
showq     unix  n       -       n       -       -       showq
error     unix  -       -       n       -       -       error
retry     unix  -       -       n       -       -       error
discard   unix  -       -       n       -       -       discard
local     unix  -       n       n       -       -       local
virtual   unix  -       n       n       -       -       virtual
lmtp      unix  -       -       n       -       -       lmtp
anvil     unix  -       -       n       -       1       anvil
scache    unix  -       -       n       -       1       scache
postlog   unix-dgram n  -       n       -       1       postlogd
"""


def is_root():
    return os.getuid() == 0


def local_user():
    """An account that local(8) can deliver to: some account as root, one's own otherwise."""
    return LOCAL_USER if is_root() else pwd.getpwuid(os.getuid()).pw_name


def default_main(directory, kind, address, dns_port=None):
    """The parameters that every test instance begins with."""
    parameters = {
        "myhostname": "mail.local.test",
        "mydestination": "$myhostname, local.test, localhost",
        "mynetworks": "127.0.0.0/8",
        "inet_interfaces": address,
        "inet_protocols": "ipv4",
        "biff": "no",
        "queue_directory": f"{directory}/q",
        "data_directory": f"{directory}/d",
        "maillog_file": f"{directory}/maillog",
        "maillog_file_prefixes": str(directory),
        "alias_maps": "",
        "alias_database": "",
        "mail_spool_directory": f"{directory}/spool",
        "mailbox_command": "",
        "sendmail_path": str(directory / "bin" / "sendmail"),
        "html_directory": "no", "manpage_directory": "/usr/share/man", "readme_directory": "no",
    }
    if is_root():
        parameters |= {"mail_owner": MAIL_OWNER, "setgid_group": SETGID_GROUP}
    if kind == "postfix":
        parameters |= {
            "compatibility_level": "3.6",
            "daemon_directory": str(YARDSTICK_ROOT / "usr/lib/postfix/sbin"),
            "command_directory": str(YARDSTICK_ROOT / "usr/sbin"),
            "shlib_directory": str(YARDSTICK_ROOT / "usr/lib/postfix"),
            "meta_directory": str(YARDSTICK_ROOT / "etc/postfix"),
            "import_environment": "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH",
        }
    else:
        parameters |= {
            "compatibility_level": "3.11",
            "daemon_directory": str(BUILD / "libexec"),
            "command_directory": str(BUILD / "sbin"),
            "import_environment": "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C ASAN_OPTIONS UBSAN_OPTIONS "
                                  "TSAN_OPTIONS LSAN_OPTIONS",
            "queue_journal_segment_size": "1048576",
        }
        if dns_port:
            parameters["dns_servers"] = f"127.0.0.1:{dns_port}"
    return parameters


# What tools/parameter-proof takes away, to see that a test fails without it.
LEFT_OUT = set(os.environ.get("POSTHASTE_LEAVE_OUT", "").split())
_OPTION = re.compile(r"\s-o\s*(?:\{\s*(\w+)\s*=(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}|(\w+)=\S*)")


def main_text(parameters):
    """main.cf; a value of None leaves the parameter out, a list becomes a comma-separated one."""
    lines = []
    for name, value in parameters.items():
        if value is not None and name not in LEFT_OUT:
            lines.append(f"{name} = {_text(value)}".rstrip())
    return "\n".join(lines) + "\n"


def _text(value):
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def services_text(fields, services):
    """Lines of master.cf: {name: {parameter: value}} with the type and all later fields in common, so that one instance
    shows what many settings do. The fields are such as "unix - - n - - smtp"."""
    lines = []
    for name, settings in services.items():
        lines.append(f"{name} {fields}")
        lines += [f"    -o {{ {parameter} = {_text(value)} }}" for parameter, value in settings.items()]
    return "\n".join(lines) + "\n"


def master_text(kind, address, smtp_port, extra="", options=None):
    """master.cf: the default services with smtpd on a port of its own, then `extra`.

    A service that `extra` defines (same name and type) replaces the default one. `options` adds -o settings:
    {"smtp/inet": {"smtpd_timeout": "5s"}}.
    """
    services = {}
    default = _POSTFIX_MASTER if kind == "postfix" else (ROOT / "conf" / "master.cf").read_text()
    text = f"{default}\n{address}:{smtp_port} inet n - n - - smtpd\n{extra}"
    for line in text.splitlines():
        if line[:1] in (" ", "\t"):
            services[name] += "\n" + line                   # a continuation of the line before
        elif line and not line.startswith(("#", "smtp      inet")):
            fields = line.split()
            name = f"{fields[0]}/{fields[1]}"
            services[name] = line
    for name, settings in (options or {}).items():
        name = f"{address}:{smtp_port}/inet" if name == "smtp/inet" else name
        for parameter, value in settings.items():
            services[name] += f"\n    -o {{ {parameter} = {value} }}"
    text = "\n".join(services.values()) + "\n"
    return _OPTION.sub(lambda option: "" if (option[1] or option[2]) in LEFT_OUT else option[0], text)


def write(path, text):
    """Replaces a file at once, so that a running system never reads half of it."""
    temporary = pathlib.Path(f"{path}.new")
    temporary.write_text(text)
    temporary.rename(path)
