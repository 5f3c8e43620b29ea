"""What an idle client costs: private memory of all processes, for each client that has said EHLO and waits.

Postfix serves 100 clients by default, a process each, so that is what it is measured with.
"""
import contextlib
import resource
import socket
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


def connect(system, number):
    client = socket.create_connection(("127.0.0.1", system.port), timeout=120,
                                      source_address=(f"127.0.0.{1 + number // PER_ADDRESS}", 0))
    client.recv(1000)
    client.sendall(b"EHLO client.test\r\n")
    client.recv(1000)
    return client


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


def memory_of_a_client(system, clients):
    system.restart()
    with contextlib.ExitStack() as open_clients:
        open_clients.enter_context(connect(system, 0))        # the first one starts what is shared
        before = settled_memory(system)
        for number in range(1, clients + 1):
            open_clients.enter_context(connect(system, number))
        return (settled_memory(system) - before) / clients


def measure(options, systems, results):
    name = f"{options.idle:,} idle plain clients: memory of one"
    for system in systems:
        clients = options.idle if system.kind == "posthaste" else min(MOST_OF_POSTFIX, options.idle)
        results.note(name, "KB", system.label, memory_of_a_client(system, clients) / 1000)
    results.remark(f"{options.idle:,} idle TLS clients: memory of one", "planned: smtpd has no TLS yet")
