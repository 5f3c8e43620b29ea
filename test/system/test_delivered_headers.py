"""What local, virtual and pipe write above a message: Return-Path:, X-Original-To:, Delivered-To:."""
import os
import pwd

import pytest

BODY = b"From: ann@there.test\nSubject: hello\n\nbody\n"
USER = pwd.getpwuid(os.getuid() or pwd.getpwnam("nobody").pw_uid)


def header_lines(message):
    return message.partition(b"\n\n")[0].decode().split("\n")


def all_three(recipient):
    return ["Return-Path: <ann@there.test>", f"X-Original-To: {recipient}", f"Delivered-To: {recipient}"]


@pytest.mark.parametrize("flags, expected", [("DOR", all_three("bob@pipe.test")), ("R", all_three("")[:1])])
def test_pipe_adds_the_headers_that_its_flags_name(make_instance, flags, expected):
    instance = make_instance(transport_maps="inline:{pipe.test=topipe}")
    mail = instance.directory / "mail"
    mail.mkdir()
    mail.chmod(0o777)
    instance.master = (f"topipe unix - n n - - pipe flags={flags}F user={USER.pw_name} "
                       f"argv=/bin/sh -c cat>{mail}/message\n")
    instance.write_configuration()
    instance.start().sendmail("-f", "ann@there.test", "bob@pipe.test", stdin=BODY)
    instance.wait_for_log(r"pipe\[\d+\]: \w+: to=<bob@pipe.test>.*status=sent")
    lines = header_lines((mail / "message").read_bytes())
    assert lines[0].startswith("From ann@there.test  ")
    assert lines[1:len(expected) + 1] == expected
    assert lines[len(expected) + 1].startswith("Received: ")


def test_virtual_adds_all_three(make_instance):
    instance = make_instance(virtual_mailbox_domains="virt.test", virtual_mailbox_maps="inline:{bob@virt.test=bob/}",
                             virtual_uid_maps=f"static:{USER.pw_uid}", virtual_gid_maps=f"static:{USER.pw_gid}",
                             virtual_minimum_uid=1)
    mail = instance.directory / "mail"
    mail.mkdir()
    mail.chmod(0o777)
    instance.configure(virtual_mailbox_base=str(mail))
    instance.start().sendmail("-f", "ann@there.test", "bob@virt.test", stdin=BODY)
    instance.wait_for_log(r"virtual\[\d+\]: \w+: to=<bob@virt.test>.*status=sent \(delivered to maildir\)")
    message, = (mail / "bob" / "new").iterdir()
    assert header_lines(message.read_bytes())[:3] == all_three("bob@virt.test")


def test_local_adds_all_three_below_the_mbox_separator(make_instance):
    instance = make_instance().start()
    instance.sendmail("-f", "ann@there.test", f"{instance.user}@local.test", stdin=BODY)
    lines = header_lines(instance.wait_for_mailbox(b"body"))
    assert lines[0].startswith("From ann@there.test  ")
    assert lines[1:4] == all_three(f"{instance.user}@local.test")
