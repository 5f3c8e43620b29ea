"""Running processes follow their tables: every kind of file, through a chroot jail, and indexes older than their source."""
import os
import re
import sqlite3
import time

import pytest

from support import configuration
from support.ipc import IpcClient
from support.waiting import wait_until

TYPES = ["hash", "btree", "lmdb", "cdb", "texthash", "pcre", "regexp", "sqlite", "cidr"]
SUFFIX = {"hash": ".db", "btree": ".db", "lmdb": ".lmdb", "cdb": ".cdb"}


def write_table(instance, kind, user):
    """A table that rejects this user (cidr: every client) with the user's name; returns the table's."""
    address = f"{user}@local.test"
    if kind in ("pcre", "regexp"):
        path = instance.table(kind, f"/^{re.escape(address)}$/ REJECT {user}\n")
        return f"{kind}:{path}"
    if kind == "cidr":
        path = instance.table(kind, f"127.0.0.0/8 REJECT {user}\n")
        return f"{kind}:{path}"
    if kind == "sqlite":
        new = instance.directory / "rows.new"
        new.unlink(missing_ok=True)
        with sqlite3.connect(new) as database:
            database.execute("create table t (k text, v text)")
            database.execute("insert into t values (?, ?)", [address, f"REJECT {user}"])
        database.close()
        new.chmod(0o644)
        new.rename(instance.directory / "rows")
        settings = instance.table("sqlite.cf", f"dbpath = {instance.directory}/rows\nquery = SELECT v FROM t WHERE k = '%s'\n")
        return f"sqlite:{settings}"
    path = instance.table(kind, f"{address} REJECT {user}\n")
    if kind in SUFFIX:
        instance.run("postmap", f"{kind}:{path}")
    return f"{kind}:{path}"


def reply_to(instance, user):
    with instance.smtp() as client:
        client.mail("a@example.com")
        return str(client.rcpt(f"{user}@local.test"))


def is_rejected(instance, user, word=None):
    return f"rejected: {word or user}" in reply_to(instance, user)


def restrictions(instance, generation):
    """All types; whoever no recipient table has is rejected by the cidr table for the client."""
    names = {kind: write_table(instance, kind, generation + kind) for kind in TYPES}
    client = "check_client_access " + names.pop("cidr")
    return [*(f"check_recipient_access {name}" for name in names.values()), client]


def test_changed_tables_of_every_type_count_without_a_reload(make_instance):
    instance = make_instance(local_recipient_maps="", smtpd_relay_restrictions="permit_mynetworks, reject")
    instance.configure(smtpd_recipient_restrictions=restrictions(instance, "one"))
    instance.start()
    for kind in TYPES[:-1]:
        assert is_rejected(instance, "one" + kind), f"{kind}: {instance.log()}"
    assert is_rejected(instance, "anybody", "onecidr")
    smtpd = instance.pids("smtpd")
    restrictions(instance, "two")
    for kind in TYPES[:-1]:
        wait_until(lambda kind=kind: is_rejected(instance, "two" + kind), f"the new {kind} table")
        assert not is_rejected(instance, "one" + kind), kind
    wait_until(lambda: is_rejected(instance, "anybody", "twocidr"), "the new cidr table")
    assert set(instance.pids("smtpd")) & set(smtpd), "the same process"


@pytest.mark.skipif(not configuration.is_root(), reason="a jail needs root")
@pytest.mark.parametrize("kind", ["hash", "lmdb", "cdb", "texthash", "pcre", "sqlite"])
def test_a_process_in_its_jail_is_replaced_when_its_table_changes(make_instance, kind):
    instance = make_instance(local_recipient_maps="")
    instance.master = f"{instance.address}:{instance.smtp_port} inet n - y - - smtpd\n"
    instance.configure(smtpd_recipient_restrictions=[f"check_recipient_access {write_table(instance, kind, 'one')}",
                                                     "permit_mynetworks", "reject"])
    instance.start()
    with instance.smtp() as old:
        old.mail("a@example.com")
        assert "rejected: one" in str(old.rcpt("one@local.test")), instance.log()
        before = instance.pids("smtpd")
        write_table(instance, kind, "two")
        wait_until(lambda: is_rejected(instance, "two"), lambda: "the new table; log:\n" + instance.log()[-3000:])
        assert re.search(r"table file \S+ has changed -- restarting", instance.log())
        assert old.rcpt("three@local.test")[0] == 250, "the session of before goes on"
        assert set(instance.pids("smtpd")) - set(before), "a successor"


def wait_until_it_leaves(instance, processes):
    """A process that cannot open its file again sees the change by itself, without any lookup."""
    instance.wait_for_log(r"table file \S+ has changed -- restarting")
    wait_until(lambda: not {pid for pid in processes if os.path.exists(f"/proc/{pid}")}, "the end of the process")


@pytest.mark.skipif(not configuration.is_root(), reason="giving up root needs root")
@pytest.mark.parametrize("jail, mode", [("y", 0o644), ("n", 0o600)])
@pytest.mark.parametrize("kind", ["hash", "texthash"])
def test_the_first_client_after_a_change_is_answered_from_the_new_table(make_instance, jail, mode, kind):
    instance = make_instance()
    instance.master = f"{instance.address}:{instance.smtp_port} inet n - {jail} - - smtpd\n"

    def users_are(*users):
        path = instance.table("users", "".join(f"{user} x\n" for user in users))
        path.chmod(mode)
        if kind in SUFFIX:
            instance.run("postmap", f"{kind}:{path}")
        return f"{kind}:{path}"

    instance.configure(local_recipient_maps=users_are("one"))
    instance.start()
    assert reply_to(instance, "one").startswith("250 "), instance.log()
    assert reply_to(instance, "two").startswith("550 "), instance.log()
    before = instance.pids("smtpd")
    users_are("two")
    wait_until_it_leaves(instance, before)
    assert reply_to(instance, "two").startswith("250 "), instance.log()
    assert not set(instance.pids("smtpd")) & set(before), "a successor"
    assert re.search(r"smtpd\[\d+\]: table file \S+ has changed -- restarting", instance.log())
    assert reply_to(instance, "one").startswith("550 "), instance.log()


@pytest.mark.skipif(not configuration.is_root(), reason="a jail needs root")
def test_the_first_message_after_a_change_goes_by_the_new_table_of_a_qmgr_in_its_jail(make_instance):
    instance = make_instance(master="qmgr unix n - y 300 1 qmgr\n")

    def send_by(text):
        path = instance.table("transport", f"far.test discard:{text}\n")
        instance.run("postmap", f"hash:{path}")
        if before := instance.pids("qmgr"):
            wait_until_it_leaves(instance, before)
        else:
            instance.configure(transport_maps=f"hash:{path}")
            instance.start()
        instance.sendmail(f"{text}@far.test", stdin="Subject: x\n\nbody\n")
        return instance.wait_for_log(rf"to=<{text}@far\.test>, .*status=sent \((\w+)\)")[1]

    assert send_by("one") == "one"
    qmgr = instance.pids("qmgr")
    assert send_by("two") == "two"
    assert not set(instance.pids("qmgr")) & set(qmgr), "a successor"


def test_qmgr_and_trivial_rewrite_follow_a_hash_table(make_instance):
    instance = make_instance()

    def route_to(text):
        path = instance.table("transport", f"far.test discard:{text}\n")
        instance.run("postmap", f"hash:{path}")
        return f"hash:{path}"

    def resolved(client):
        return client.call({"command": 0, "sender": "a@local.test", "address": "u@far.test"})["nexthop"]

    instance.configure(transport_maps=route_to("one"))
    instance.start()
    with IpcClient(instance.queue / "private" / "rewrite", "posthaste_rewrite") as client:
        assert resolved(client) == "one"
        instance.sendmail("u@far.test", stdin="Subject: x\n\nfirst\n")
        instance.wait_for_log(r"to=<u@far\.test>.*status=sent \(one\)")
        qmgr = instance.pids("qmgr")
        route_to("two")
        wait_until(lambda: resolved(client) == "two", "the new route, over the same connection")

    def delivered_by_new_route():
        instance.sendmail("u@far.test", stdin="Subject: x\n\nsecond\n")
        instance.wait_until_queue_empty()
        return re.search(r"to=<u@far\.test>.*status=sent \(two\)", instance.log())

    wait_until(delivered_by_new_route, "the new route in qmgr")
    assert instance.pids("qmgr") == qmgr, "the same process"


@pytest.mark.skipif(not configuration.is_root(), reason="giving up root needs root")
@pytest.mark.parametrize("jail", ["n", "y"])
def test_a_reload_opens_tables_that_only_root_may_read(make_instance, jail):
    instance = make_instance(master=f"qmgr unix n - {jail} 300 1 qmgr\nrewrite unix - - {jail} - - trivial-rewrite\n")

    def deliver_by(text):
        path = instance.table(text, f"far.test discard:{text}\n")
        os.chmod(path, 0o600)
        instance.configure(transport_maps=f"texthash:{path}")
        if instance.pids("qmgr"):
            instance.reload()
        else:
            instance.start()
        instance.sendmail(f"{text}@far.test", stdin="Subject: x\n\nbody\n")
        instance.wait_for_log(rf"to=<{text}@far\.test>, .*status=sent \({text}\)")
        with IpcClient(instance.queue / "private" / "rewrite", "posthaste_rewrite") as client:
            return client.call({"command": 0, "sender": "a@local.test", "address": "u@far.test"})["nexthop"]

    assert deliver_by("one") == "one"
    qmgr = instance.pids("qmgr")
    assert deliver_by("two") == "two"
    assert not set(instance.pids("qmgr")) & set(qmgr), "a process that could read it"
    assert "is unavailable" not in instance.log(), "nothing to worry about: the successor has it"


def test_a_list_file_that_appears_later_counts_without_a_reload(make_instance):
    instance = make_instance()
    domains = instance.directory / "domains"
    instance.configure(virtual_mailbox_domains=str(domains), virtual_transport="discard:box")
    instance.start()
    instance.expect_problem("service|domains")
    instance.sendmail("u@box.test", stdin="Subject: x\n\nbody\n")
    instance.wait_for_log(r"to=<u@box\.test>, .*status=deferred")
    domains.write_text("box.test\n")
    domains.chmod(0o644)
    time.sleep(5.5)     # the pause between two looks
    instance.run("postqueue", "-f")
    instance.wait_for_log(r"to=<u@box\.test>, .*status=sent \(box\)")


def test_a_fifo_in_place_of_a_table_stops_nobody(make_instance):
    instance = make_instance()
    fifo = instance.directory / "fifo"
    os.mkfifo(fifo, 0o644)
    instance.configure(transport_maps=f"texthash:{fifo}", virtual_alias_domains=str(fifo))
    instance.start()
    instance.expect_problem("is a FIFO|nothing is reloaded")
    instance.sendmail("u@far.test", stdin="Subject: x\n\nbody\n")
    instance.wait_for_log(r"to=<u@far\.test>, .*status=deferred")
    assert instance.run("postfix", "reload", check=False, timeout=60).returncode == 1


def set_age(path, seconds):
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def stale_access_table(instance):
    """An index that rejects old@, and a younger source that rejects new@."""
    path = instance.table("access", "old@local.test REJECT old\n")
    instance.run("postmap", f"hash:{path}")
    instance.table("access", "new@local.test REJECT new\n")
    set_age(f"{path}.db", 100)
    set_age(path, 50)
    return path


def start_with_stale_table(make_instance, action):
    instance = make_instance(local_recipient_maps="", stale_index_action=action)
    path = stale_access_table(instance)
    instance.configure(smtpd_recipient_restrictions=[f"check_recipient_access hash:{path}", "permit_mynetworks", "reject"])
    instance.start()
    return instance, path


def test_a_stale_index_is_warned_of_once_and_by_postfix_check(make_instance):
    instance, path = start_with_stale_table(make_instance, "warn")
    for _ in range(5):
        assert is_rejected(instance, "old")
        assert not is_rejected(instance, "new")
    line = rf"database {path}\.db is older than source file {path} .*; run: postmap hash:{path}$"
    assert len(re.findall(r"smtpd\[\d+\]: warning: " + line, instance.log(), re.M)) == 1, instance.log()
    checked = instance.run("postfix", "-c", instance.config, "check")
    assert re.search(line, checked.stderr.decode() + instance.log(), re.M)
    instance.run("postmap", f"hash:{path}")
    wait_until(lambda: is_rejected(instance, "new"), "the rebuilt index")


def test_with_rebuild_the_source_counts_until_the_index_is_made_again(make_instance):
    instance, path = start_with_stale_table(make_instance, "rebuild")
    assert is_rejected(instance, "new")
    assert not is_rejected(instance, "old")
    instance.table("access", "newer@local.test REJECT newer\n")
    wait_until(lambda: is_rejected(instance, "newer"), "the changed source")
    instance.table("access", "broken\n")
    wait_until(lambda: is_rejected(instance, "newer") and "which cannot be used" in instance.log(), "the warning")
    assert re.search(rf"which cannot be used: {path}, line 1: ", instance.log())
    assert is_rejected(instance, "newer"), "the last good version stays"
    assert instance.run("postmap", "-q", "old@local.test", f"hash:{path}").stdout == b"REJECT old\n"


def test_ignore_says_nothing_and_a_misspelt_action_stops_the_start(make_instance):
    instance, _ = start_with_stale_table(make_instance, "ignore")
    assert is_rejected(instance, "old")
    assert "is older than source file" not in re.sub(r"postfix/postfix\S*:.*", "", instance.log())
    instance.configure(stale_index_action="rebild")
    instance.expect_problem("rebild")
    checked = instance.run("postfix", "-c", instance.config, "check", check=False)
    assert checked.returncode != 0
    assert b'stale_index_action: warn, rebuild or ignore expected, not "rebild"' in checked.stderr + instance.log().encode()


def test_stale_index_action_of_the_cleanup_line_counts_inside_of_smtpd(make_instance):
    instance = make_instance(service_options={"cleanup/unix": {"stale_index_action": "rebuild"}},
                             transport_maps="inline:{{far.test=discard:}}")
    path = instance.table("canonical", "old@x.test first@far.test\n")
    instance.run("postmap", f"hash:{path}")
    instance.table("canonical", "new@x.test second@far.test\n")
    set_age(f"{path}.db", 100)
    set_age(path, 50)
    instance.configure(recipient_canonical_maps=f"hash:{path}")
    instance.start()
    with instance.smtp() as client:
        client.mail("a@far.test")
        client.rcpt("new@x.test")
        assert client.data(b"Subject: x\n\nx\n").code == 250
    instance.wait_for_log(r"to=<second@far.test>, orig_to=<new@x.test>,.* status=sent")
