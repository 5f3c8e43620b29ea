"""Replaces in recorded text what differs from run to run: queue ids, times, ports, process ids, directories."""
import re

_RULES = [
    (r"/tmp/ph-[A-Za-z0-9_]+", "DIR"),
    (r"\b(queued as) [0-9A-Za-z]{6,20}\b", r"\1 QUEUEID"),
    (r"\b20\d{12}\b", "TIMESTAMP"),
    (r"\b[0-9A-F]{9,15}\b(?=[:;*!. \n>@\"/]|$)", "QUEUEID"),
    (r"^(QUEUEID[*!#]*) +\d+ ", r"\1 N "),
    (r"\bQUEUEID\.\d{10}/", "QUEUEID.TIME/"),
    (r"\bSIZE=\d+\b", "SIZE=N"),
    (r"\b[A-Z][a-z]{2}, [ 0-9]?\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4} \([A-Z]+\)", "DATE"),
    (r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d:\d\d\b", "DATE"),
    (r"^[A-Z][a-z]{2} [ 0-3]\d \d\d:\d\d:\d\d (\S+) ", r"TIME \1 "),
    (r"(postfix[/\w-]*)\[\d+\]", r"\1[PID]"),
    (r"\bdelay=[\d.]+, delays=[\d.]+/[\d.]+/[\d.]+/[\d.]+", "delay=D, delays=A/B/C/D"),
    (r"\[127\.0\.0\.1\]:\d{5}\b", "[127.0.0.1]:PORT"),
    (r"\b127\.0\.0\.1:\d{5}\b", "127.0.0.1:PORT"),
    (r"\b(conn_use=)\d+", r"\1N"),
    (r"\bsize=\d+", "size=N"),
    (r"\bafter DATA \(\d+ bytes\)", "after DATA (N bytes)"),
    (r"\b(pid|process id|process) \d+", r"\1 PID"),
]
# TLS: places in OpenSSL's source, keys of tickets, fingerprints, the names of services on ports of their own.
_TLS_RULES = [
    (r"(error:[0-9A-F]{8}:[^:]*:[^:]*:[^:]*):\.\./[^:]*:\d+:", r"\1:SOURCE:"),
    (r"\b(key expiration: )\d+", r"\1TIME"),
    (r"\b(?:[0-9A-F]{2}:){15,}[0-9A-F]{2}\b", "FINGERPRINT"),
    (r"(&s=127\.0\.0\.1):\d+", r"\1:PORT"),
]
# The sentences of a bounce are each system's own.
_EXPLANATION = re.compile(r"(This is the mail system at host \S+\n\n).*?(\n +The mail system\n)", re.S)
_COMPILED = [(re.compile(pattern, re.M), replacement) for pattern, replacement in _RULES]
_TLS_COMPILED = [(re.compile(pattern, re.M), replacement) for pattern, replacement in _TLS_RULES]


def normalise(text):
    for pattern, replacement in _COMPILED:
        text = pattern.sub(replacement, text)
    return _EXPLANATION.sub(r"\1EXPLANATION\2", text)


def normalise_tls(text):
    """The same for what TLS says."""
    for pattern, replacement in _TLS_COMPILED:
        text = pattern.sub(replacement, text)
    return normalise(text)
