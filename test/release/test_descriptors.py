"""What a process does that has run out of descriptors. Not in a sanitizer build: the undefined behaviour sanitizer looks
at memory through a pipe and takes it for inaccessible when it cannot make one.

    POSTHASTE_BUILD=build/release /usr/bin/python3 -m pytest test/release
"""
import resource
import socket

from support.ports import free_port


def test_a_process_without_free_descriptors_serves_again_when_clients_leave(make_instance):
    port = free_port()
    instance = make_instance(master=f"127.0.0.1:{port} inet n - n - - discard\n")
    instance.run("postfix", "start", preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (60, 60)))
    clients = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(80)]
    instance.wait_for_log("Too many open files: clients wait until a descriptor is free")
    for client in clients:
        client.close()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        assert client.recv(100)
    assert instance.log().count("clients wait until") == 1, "the operator is told once"
