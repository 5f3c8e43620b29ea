"""Whose rights count when local(8) delivers, what strangers can put into a command's environment, and lists that name
the same thing twice (aliases(5), local(8) DELIVERY RIGHTS).

Other users' .forward files lie in a directory of the test (forward_path), so that no real home is touched.
"""
import os
import pwd

import pytest

from support import configuration
from support.configuration import local_user
from support.local_lists import LocalLists
from support.waiting import wait_until

@pytest.fixture
def lists(make_instance):
    """An instance with an alias database and with .forward files, both as the test writes them."""
    return lambda aliases, forwards=None, **parameters: LocalLists(make_instance(**parameters), aliases, forwards or {})


def test_a_name_that_two_lists_share_gets_one_copy(lists):
    me = local_user()
    local = lists(f"all: east, west\neast: team\nwest: team, postmaster\nteam: {me}\npostmaster: {me}\n")
    assert local.deliver("all") == ["sent (delivered to mailbox)"]
    assert local.instance.mailbox().count(b"Subject: list") == 1


def test_duplicates_in_a_list_get_one_copy(lists):
    me = local_user()
    local = lists(f"list: {me}, {me}@local.test, {me.upper()}, :include:{{dir}}/members, :include:{{dir}}/members\n")
    (local.instance.directory / "members").write_text(f"{me}\nfar@far.test\nfar@far.test\n")
    local.instance.configure(transport_maps="inline:{far.test=discard:}")
    local.instance.reload()
    outcomes = local.deliver("list")
    assert len(outcomes) == 2, outcomes
    assert local.instance.mailbox().count(b"Subject: list") == 1
    wait_until(lambda: local.instance.log().count("to=<far@far.test>") == 1, "one copy for far@far.test")


def test_a_list_that_includes_itself_ends(lists):
    local = lists("list: :include:{dir}/members\n")
    members = local.instance.directory / "members"
    members.write_text(f":include:{members}\n:include:{members}\n{local_user()}\n")
    assert local.deliver("list") == ["sent (delivered to mailbox)"]


def test_a_list_that_includes_itself_by_many_names_ends(lists):
    local = lists("list: :include:{dir}/members\n")
    members = local.instance.directory / "members"
    other_names = "".join(f":include:{members.parent}/{number * './'}members\n" for number in range(20))
    members.write_text(f"{other_names}{local_user()}\n")
    assert local.deliver("list") == ["sent (delivered to mailbox)"]


def test_aliases_that_lead_back_to_each_other_are_a_loop(lists):
    local = lists("a: b\nb: a\n")
    assert local.deliver("a") == ["bounced (alias database loop for b)"]
    local.instance.wait_for_log(r"local\[\d+\]: warning: alias database loop for b$")
    local.instance.wait_for_log(r"to=<b@mail\.local\.test>, orig_to=<a@local\.test>, .*dsn=5\.4\.6")


def test_an_alias_that_lists_its_own_name_means_the_mailbox_of_that_name(lists):
    me = local_user()
    local = lists(f"{me}: {me}, \\{me}, far@far.test\nnobody-here: nobody-here\n",
                  transport_maps="inline:{far.test=discard:}")
    assert len(local.deliver(me)) == 2
    assert local.instance.mailbox().count(b"Subject: list") == 1
    assert local.deliver("nobody-here") == ['bounced (unknown user: "nobody-here")']


def test_a_backslash_before_a_name_changes_nothing(lists):
    """As with Postfix 3.7.11: the name is an alias all the same."""
    local = lists(f"outer: \\inner\ninner: {local_user()}\n")
    assert local.deliver("outer") == ["sent (delivered to mailbox)"]


def test_subaddresses_of_one_user_are_recipients_of_their_own(lists):
    me = local_user()
    local = lists(f"list: {me}+one, {me}+two, {me}, {me}+ONE\n", recipient_delimiter="+")
    assert local.deliver("list") == ["sent (delivered to mailbox)"] * 3


def test_duplicates_beyond_duplicate_filter_limit_are_not_noticed(lists):
    me = local_user()
    members = "".join(f', "|/bin/true {number}"' for number in range(10))
    local = lists(f'list: {me}, "|/bin/true 1"{members}, "|/bin/true 9", {me}\n', duplicate_filter_limit=5)
    outcomes = local.deliver("list")
    copies = [outcomes.count(f"sent (delivered to {what})")
              for what in ("mailbox", "command: /bin/true 1", "command: /bin/true 9")]
    assert copies == [1, 1, 2]


def test_a_list_that_grows_without_bounds_is_deferred(lists):
    """Each alias lists the next one a hundred times, and duplicates are hardly noticed."""
    chain = "".join(f"x{number}: " + ", ".join(100 * [f"x{number + 1}"]) + "\n" for number in range(60))
    local = lists(chain + f"x60: {local_user()}, " + ", ".join(100 * ["far@far.test"]) + "\n", duplicate_filter_limit=1)
    with local.instance.smtp() as client:
        client.deliver("s@example.com", "x0@local.test", b"Subject: x\r\n\r\nx\r\n")
    local.instance.wait_for_log(r"status=deferred \(x\d+@\S+ stands for more than 100000 destinations\)")
    assert not local.instance.mailbox()


def test_built_ins_of_the_shell_are_commands(lists):
    local = lists('unknown: "|exit 67"\nfine: "|exit 0"\n')
    assert local.deliver("unknown") == ["bounced (user unknown)"]
    assert local.deliver("fine") == ["sent (delivered to command: exit 0)"]


def test_commands_see_no_shell_characters_of_strangers(lists):
    local = lists('command: "|env >>{dir}/out"\n', recipient_delimiter="+")
    with local.instance.smtp(ehlo="a;$(id)") as client:
        queue_id = client.deliver('"a$(touch x);`id`|&<>\'*"@example.com', '"command+$(id);`id`"@local.test',
                                  b"Subject: x\r\n\r\nx\r\n")
    local.instance.wait_for_log(f"{queue_id}: removed")
    environment = dict(line.split("=", 1) for line in local.ran_as() if "=" in line)
    assert environment["SENDER"] == "a__touch_x___id_______@example.com"
    assert environment["EXTENSION"] == "__id___id_"
    assert environment["RECIPIENT"] == "command+__id___id_@local.test"
    assert environment["CLIENT_HELO"] == "a___id_"


@pytest.mark.needs_root
def test_commands_of_root_run_as_default_privs(lists):
    local = lists("", {"root": "{command}\n"}, default_privs="nobody")
    local.deliver("root")
    assert local.ran_as() == ["ran as nobody:nogroup"]


@pytest.mark.needs_root
@pytest.mark.parametrize("account", [configuration.MAIL_OWNER, configuration.SETGID_GROUP])
def test_default_privs_are_never_those_of_the_mail_system(lists, account):
    """postfix start and reload refuse it; this process reads main.cf after them."""
    local = lists('alias: "{command}"\n', {"root": "{command}\n"})
    local.instance.configure(default_privs=account)
    for recipient in ("root", "alias"):
        with local.instance.smtp() as client:
            client.deliver("a@example.com", f"{recipient}@local.test", b"Subject: x\r\n\r\nx\r\n")
        local.instance.wait_for_log(rf"to=<{recipient}@local\.test>.*status=deferred \(default_privs names an account with the "
                                    "rights of mail system")
    assert local.ran_as() == []


@pytest.mark.needs_root
def test_mailbox_command_for_root_runs_as_default_privs(lists):
    local = lists("", default_privs="nobody")
    local.instance.configure(mailbox_command=f"echo ran as `id -un` >>{local.out}")
    local.instance.reload()
    local.deliver("root")
    assert local.ran_as() == ["ran as nobody"]


@pytest.mark.needs_root
def test_forward_files_that_others_could_have_written_are_ignored(lists):
    local = lists("", {user: "{command}\n" for user in ["games", "man", "lp", "news", "backup"]})
    os.chown(local.forwards / "man", pwd.getpwnam("nobody").pw_uid, -1)
    (local.forwards / "lp").chmod(0o666)
    (local.forwards / "news").rename(local.instance.directory / "elsewhere")
    (local.forwards / "news").symlink_to(local.instance.directory / "elsewhere")
    os.chown(local.forwards / "backup", 0, -1)
    for user, reason in [("man", "has bad owner uid 65534"), ("lp", "is world writable"),
                         ("news", "is not a regular file")]:
        assert local.deliver(user) == ["sent (delivered to mailbox)"]
        local.instance.wait_for_log(rf"local\[\d+\]: warning: file {local.forwards}/{user} {reason}")
    assert local.ran_as() == []
    local.deliver("games")
    local.deliver("backup")
    assert local.ran_as() == ["ran as games:games", "ran as backup:backup"]


@pytest.mark.needs_root
def test_commands_of_an_include_file_run_as_its_owner(lists):
    local = lists("list: :include:{dir}/members\n", allow_mail_to_commands="alias,forward,include")
    members = local.instance.directory / "members"
    members.write_text(local.command() + "\n")
    os.chown(members, pwd.getpwnam("games").pw_uid, 0)
    local.deliver("list")
    assert local.ran_as() == ["ran as games:games"]


@pytest.mark.needs_root
def test_an_include_file_of_a_forward_file_keeps_the_users_rights(lists):
    local = lists("", {"games": ":include:{dir}/members\n"}, allow_mail_to_commands="alias,forward,include")
    members = local.instance.directory / "members"
    members.write_text(local.command() + "\n")
    os.chown(members, pwd.getpwnam("man").pw_uid, -1)
    local.deliver("games")
    assert local.ran_as() == ["ran as games:games"]


@pytest.mark.needs_root
def test_a_user_who_forwards_to_himself_keeps_his_mail(lists):
    local = lists("", {"games": "games, \\games, man\n"})
    assert local.deliver("games")[0] == "sent (delivered to mailbox)"
    local.instance.wait_until_queue_empty()
    assert local.instance.mailbox("games").count(b"Subject: list") == 1
    assert local.instance.mailbox("man").count(b"Subject: list") == 1


def test_maxproc_bounds_the_commands_that_run_at_once(make_instance):
    instance = make_instance(master="local unix - n n - 3 local")
    running = instance.directory / "running"
    running.mkdir()
    running.chmod(0o777)
    script = instance.table("command", f"#!/bin/sh\nmkdir {running}/$$\nls {running} | wc -l >>{instance.spool}/seen\n"
                                       f"sleep 0.3\nrmdir {running}/$$\n")
    script.chmod(0o755)
    (instance.spool / "seen").touch()
    (instance.spool / "seen").chmod(0o666)
    instance.aliases("".join(f'c{number}: "|{script}"\n' for number in range(20)))
    instance.start()
    with instance.smtp() as client:
        queue_id = client.deliver("s@example.com", [f"c{number}@local.test" for number in range(20)], b"\r\nx\r\n")
    instance.wait_for_log(f"{queue_id}: removed")
    seen = [int(line) for line in (instance.spool / "seen").read_text().split()]
    assert len(seen) == 20 and max(seen) <= 3, seen


def test_export_environment_is_what_commands_get(lists):
    local = lists('command: "|env >>{dir}/out"\n', import_environment="MAIL_CONFIG ASAN_OPTIONS UBSAN_OPTIONS SECRET=1 TOLD=2",
                  export_environment="TOLD GREETING=hello { SPACED = a, b } USER=nobody PATH=/bin:/usr/bin")
    local.deliver("command")
    environment = dict(line.split("=", 1) for line in local.ran_as() if "=" in line)
    assert [environment.get(name) for name in ["TOLD", "GREETING", "SPACED", "PATH", "USER"]] == \
        ["2", "hello", "a, b", "/bin:/usr/bin", "command"]
    assert not {"SECRET", "MAIL_CONFIG", "LANG"} & environment.keys()


def test_export_environment_is_what_programs_of_pipe_get(make_instance):
    instance = make_instance(
        export_environment="GREETING=hello", transport_maps="inline:{far.test=program:}",
        master=f"program unix - n n - - pipe user={local_user()} argv=/bin/sh -c {{echo $$GREETING $$MAIL_CONFIG; exit 77}}\n")
    instance.start()
    with instance.smtp() as client:
        client.deliver("s@example.com", "x@far.test", b"Subject: x\r\n\r\nx\r\n")
    instance.wait_for_log(r"to=<x@far\.test>, relay=program, .*permission denied\. Command output: hello\)$")
