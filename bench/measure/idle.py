"""What an idle client costs: private memory of all processes, for each client that has said EHLO and waits; in the clear,
and after STARTTLS.

Postfix serves 100 clients by default, a process each, so that is what it is measured with.
"""
import contextlib
import resource
import socket
import ssl
import subprocess
import time

MOST_OF_POSTFIX = 95
PER_ADDRESS = 5000               # connections from one loopback address: ports are not endless
SPARE_DESCRIPTORS = 500


def possible_clients(wanted):
    """How many of the wanted clients the machine allows. A client is a descriptor here and one in smtpd, which inherits
    the limit that is raised here."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + SPARE_DESCRIPTORS
    if hard != resource.RLIM_INFINITY and hard < needed:
        with contextlib.suppress(ValueError, OSError):         # root may
            resource.setrlimit(resource.RLIMIT_NOFILE, (needed, needed))
            return wanted
        print(f"only {hard} descriptors are allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard - SPARE_DESCRIPTORS)


def ask(client, line):
    client.sendall(line)
    return client.recv(1000)


def connect(system, number):
    client = socket.create_connection(("127.0.0.1", system.port), timeout=120,
                                      source_address=(f"127.0.0.{1 + number // PER_ADDRESS}", 0))
    client.recv(1000)
    ask(client, b"EHLO client.test\r\n")
    return client


def connect_with_tls(context):
    def connected(system, number):
        plain = connect(system, number)
        answer = ask(plain, b"STARTTLS\r\n")
        assert answer.startswith(b"220"), answer
        client = context.wrap_socket(plain)
        ask(client, b"EHLO client.test\r\n")
        return client
    return connected


def client_context():
    """Of clients that do not ask who the server is, as most of the mail in the world."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def offer_tls(system):
    directory = system.instance.directory
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.test",
                    "-keyout", directory / "tls.key", "-out", directory / "tls.crt"], check=True, capture_output=True)
    system.instance.configure(smtpd_tls_security_level="may", smtpd_tls_cert_file=f"{directory}/tls.crt",
                              smtpd_tls_key_file=f"{directory}/tls.key")


def settled_memory(system):
    """Private memory when it has stopped to change."""
    before = system.private_memory()
    for _ in range(20):
        time.sleep(0.5)
        now = system.private_memory()
        if abs(now - before) < 1 << 16:
            break
        before = now
    return now


def memory_of_a_client(system, clients, connected):
    system.restart()
    with contextlib.ExitStack() as open_clients:
        open_clients.enter_context(connected(system, 0))        # the first one starts what is shared
        before = settled_memory(system)
        for number in range(1, clients + 1):
            open_clients.enter_context(connected(system, number))
        return (settled_memory(system) - before) / clients


def measure(options, systems, results):
    for kind, connected in (("plain", connect), ("TLS", connect_with_tls(client_context()))):
        for system in systems:
            if kind == "TLS":
                offer_tls(system)
            clients = options.idle if system.kind == "posthaste" else min(MOST_OF_POSTFIX, options.idle)
            results.note(f"{options.idle:,} idle {kind} clients: memory of one", "KB", system.label,
                         memory_of_a_client(system, clients, connected) / 1000)
