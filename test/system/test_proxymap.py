"""proxymap(8): tables for processes in a jail, for those that keep root, and for commands."""
import concurrent.futures
import pathlib
import shutil

import pytest

from support import configuration
from support.ipc import IpcClient
from support.ports import free_port
from support.waiting import wait_until

LOOKUP, UPDATE, DELETE = range(3)
OK, NOT_FOUND, RETRY, BAD, DENIED = range(5)


def reply_to(instance, user):
    with instance.smtp() as client:
        client.mail("a@example.com")
        return client.rcpt(f"{user}@local.test")


def query(instance, *arguments):
    result = instance.run("postmap", *arguments, check=False)
    return result.returncode, result.stdout.decode(), result.stderr.decode()


@pytest.mark.skipif(not configuration.is_root(), reason="a jail needs root")
def test_local_users_are_known_in_a_jail(make_instance):
    instance = make_instance(local_recipient_maps="proxy:unix:passwd.byname $alias_maps")
    instance.master = f"{instance.address}:{instance.smtp_port} inet n - y - - smtpd\n"
    instance.aliases("club: root\n")
    instance.start()
    assert reply_to(instance, instance.user).code == 250
    assert reply_to(instance, "club").code == 250
    assert reply_to(instance, "no-such-user").code == 550
    assert instance.pids("proxymap")


def test_an_approved_table_is_read_and_followed(make_instance):
    instance = make_instance()
    path = instance.table("t", "key value\n")
    instance.run("postmap", f"hash:{path}")
    instance.configure(virtual_alias_maps=f"proxy:hash:{path}")
    instance.start()
    assert query(instance, "-q", "KEY", f"proxy:hash:{path}") == (0, "value\n", "")
    assert query(instance, "-q", "other", f"proxy:hash:{path}") == (1, "", "")
    instance.table("t", "key new\n")
    instance.run("postmap", f"hash:{path}")
    wait_until(lambda: query(instance, "-q", "key", f"proxy:hash:{path}")[1] == "new\n", "the changed table")


def test_an_unapproved_table_is_refused_in_the_words_of_postfix(make_instance):
    """Recorded from Postfix 3.7.11: both log lines, and what postmap says."""
    instance = make_instance().start()
    path = instance.table("t", "key value\n")
    instance.run("postmap", f"hash:{path}")
    code, _, error = query(instance, "-q", "key", f"proxy:hash:{path}")
    assert code == 1 and f'fatal: proxymap service is not configured for table "hash:{path}"' in error
    instance.wait_for_log(rf'proxymap\[\d+\]: warning: request for unapproved table: "hash:{path}"')
    instance.wait_for_log(rf"proxymap\[\d+\]: warning: to approve this table for read-only access, "
                          rf"list proxy:hash:{path} in main\.cf:proxy_read_maps$")
    code, _, error = query(instance, "-d", "key", f"proxy:hash:{path}")
    assert code == 1 and f'fatal: proxywrite service is not configured for table "hash:{path}"' in error
    instance.wait_for_log(rf"to approve this table for read-write access, list proxy:hash:{path} in main\.cf:proxy_write_maps$")
    assert query(instance, "-s", f"proxy:hash:{path}") == (1, "", "postmap: fatal: can't sequence maps via the proxy service\n")
    assert query(instance, f"proxy:hash:{path}") == (1, "", "postmap: fatal: can't create maps via the proxy service\n")
    instance.expect_problem(r"postmap\[\d+\]: fatal: (proxy(map|write) service is not configured|can't)")


def test_proxywrite_removes_keys_of_its_tables(make_instance):
    instance = make_instance()
    path = instance.directory / "d" / "cache"
    configuration.write(path, "a 1\nb 2\n")
    instance.run("postmap", f"btree:{path}")
    if configuration.is_root():
        shutil.chown(f"{path}.db", configuration.MAIL_OWNER)
    instance.configure(proxy_write_maps=f"proxy:btree:{path}")
    instance.start()
    assert query(instance, "-d", "A", f"proxy:btree:{path}")[0] == 0
    assert query(instance, "-d", "a", f"proxy:btree:{path}")[0] == 1
    assert instance.run("postmap", "-s", f"btree:{path}").stdout == b"b\t2\n"


def test_a_proxymap_that_dies_is_replaced_and_the_next_lookup_answers(make_instance):
    instance = make_instance(local_recipient_maps="proxy:unix:passwd.byname")
    instance.start()
    assert reply_to(instance, instance.user).code == 250
    for _ in range(3):
        assert instance.kill("proxymap")
        wait_until(lambda: reply_to(instance, instance.user).code == 250, "an answer after the death of proxymap")
        assert reply_to(instance, "no-such-user").code == 550
    instance.expect_problem("proxymap.* killed by signal 9")


def test_without_a_proxymap_mail_waits_and_the_log_says_what_is_missing(make_instance):
    instance = make_instance(local_recipient_maps="proxy:unix:passwd.byname", proxymap_service_name="nobody")
    instance.start()
    assert reply_to(instance, instance.user).code == 451
    instance.wait_for_log(r'there is no private/nobody: the mail system does not run, or master\.cf has no line "nobody unix')
    checked = instance.run("postfix", "-c", instance.config, "check")
    assert "master.cf has no service nobody, which serves proxy:unix:passwd.byname" in checked.stderr.decode() + instance.log()


def test_local_has_its_aliases_from_proxymap_also_unapproved_ones(make_instance):
    instance = make_instance(proxy_read_maps="")
    instance.aliases(f"club: {instance.user}\n")
    instance.start()
    instance.sendmail("club@local.test", stdin="Subject: to the club\n\nhello\n")
    instance.wait_for_mailbox(b"to the club")
    assert instance.pids("proxymap")
    instance.wait_for_log(rf"to=<{instance.user}@\S+, orig_to=<club@local\.test>.*status=sent")


def test_without_a_proxymap_mail_for_aliases_is_deferred(make_instance):
    instance = make_instance(proxymap_service_name="nobody")
    instance.aliases(f"club: {instance.user}\n")
    instance.start()
    instance.sendmail("club@local.test", stdin="Subject: x\n\nhello\n")
    instance.wait_for_log(r"to=<club@local\.test>.*status=deferred .*there is no private/nobody")


def test_behind_proxy_a_server_that_is_down_is_a_temporary_error_for_all_who_ask(make_instance):
    down = f"proxy:tcp:127.0.0.1:{free_port()}"
    instance = make_instance(local_recipient_maps=down, alias_maps=down, virtual_mailbox_domains="virtual.test",
                             virtual_mailbox_maps=down, virtual_mailbox_base="/nonexistent")
    instance.start()
    assert reply_to(instance, instance.user).code == 451
    with instance.smtp() as client:
        client.mail("a@example.com")
        assert client.rcpt("u@virtual.test").code == 451
    instance.sendmail(f"{instance.user}@local.test", "u@virtual.test", stdin="Subject: x\n\nhello\n")
    instance.wait_for_log(rf"/local\[\d+\]: .*to=<{instance.user}@local\.test>.*dsn=4\.3\.\d, status=deferred")
    instance.wait_for_log(r"/virtual\[\d+\]: .*to=<u@virtual\.test>.*dsn=4\.3\.\d, status=deferred")


class Cache:
    """A cache's view of proxywrite, with one connection: what verify(8) and postscreen(8) do with theirs."""

    def __init__(self, instance, table, service="proxywrite"):
        self.client = IpcClient(instance.queue / "private" / service, "posthaste_proxymap")
        self.table = table

    def call(self, command, key, value=""):
        reply = self.client.call({"command": command, "table": self.table, "keep_case": 0, "key": key, "value": value})
        return int(reply["status"]), reply.get("value", "")

    def lookup(self, key):
        return self.call(LOOKUP, key)

    def update(self, key, value):
        return self.call(UPDATE, key, value)[0]

    def delete(self, key):
        return self.call(DELETE, key)[0]


@pytest.mark.parametrize("kind, suffix", [("btree", ".db"), ("lmdb", ".lmdb")])
def test_a_cache_is_made_and_written_through_proxywrite(make_instance, kind, suffix):
    instance = make_instance()
    path = instance.directory / "d" / "verify_cache"
    instance.configure(address_verify_map=f"proxy:{kind}:{path}")     # of the default of proxy_write_maps
    instance.start()
    cache = Cache(instance, f"{kind}:{path}")
    assert cache.lookup("a@example.com") == (NOT_FOUND, ""), "a cache that is not there yet is empty"
    for number in range(5):
        assert cache.update("A@example.com", f"state {number}") == OK
        assert cache.lookup("a@Example.com") == (OK, f"state {number}"), "at once"
    assert cache.delete("a@example.com") == OK
    assert cache.delete("a@example.com") == NOT_FOUND
    assert cache.lookup("a@example.com") == (NOT_FOUND, "")
    assert cache.update("b@example.com", "kept") == OK
    instance.stop()
    instance.start()
    assert Cache(instance, f"{kind}:{path}").lookup("b@example.com") == (OK, "kept")
    assert instance.run("postmap", "-s", f"{kind}:{path}").stdout == b"b@example.com\tkept\n"
    assert pathlib.Path(f"{path}{suffix}").exists()


def test_proxywrite_service_name_is_the_one_that_writes(make_instance):
    instance = make_instance(proxywrite_service_name="cachewriter")
    instance.master = "cachewriter unix - - n - 1 proxymap\n"
    table = f"btree:{instance.directory}/d/cache"
    instance.configure(proxy_write_maps=f"proxy:{table}")
    instance.start()
    assert Cache(instance, table, "cachewriter").update("a", "1") == OK
    assert Cache(instance, table, "proxywrite").update("a", "2") == BAD
    assert query(instance, "-d", "a", f"proxy:{table}")[0] == 0


def test_changes_of_several_writers_are_all_kept(make_instance):
    instance = make_instance()
    table = f"btree:{instance.directory}/d/cache"
    instance.configure(proxy_write_maps=f"proxy:{table}")
    instance.start()

    def write(writer):
        cache = Cache(instance, table)
        return [cache.update(f"{writer}-{number}", str(number)) for number in range(10)]

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert [*pool.map(write, range(4))] == [[OK] * 10] * 4
    listed = instance.run("postmap", "-s", table).stdout.decode().splitlines()
    assert sorted(listed) == sorted(f"{writer}-{number}\t{number}" for writer in range(4) for number in range(10))


def test_proxymap_does_not_write(make_instance):
    instance = make_instance()
    table = f"btree:{instance.directory}/d/cache"
    instance.configure(proxy_write_maps=f"proxy:{table}", proxy_read_maps=f"proxy:{table}")
    instance.start()
    assert Cache(instance, table, "proxymap").update("a", "1") == BAD
    assert Cache(instance, "btree:/etc/other").update("a", "1") == DENIED
    instance.wait_for_log('request for unapproved table: "btree:/etc/other"')
