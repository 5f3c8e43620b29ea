"""tools/uninstall: the programs go, and no mail with them."""
import os
import shutil
import subprocess
import sys

import pytest

from support.paths import BUILD, ROOT
from support.waiting import wait_until


@pytest.fixture
def installation(tmp_path):
    """A prefix with some of the programs, and its manifest."""
    names = ("sbin/postsuper", "sbin/postconf", "sbin/mailq", "libexec/postfix/qmgr")
    (tmp_path / "libexec" / "postfix").mkdir(parents=True)
    (tmp_path / "sbin").mkdir()
    for name in names[:2]:
        shutil.copy(BUILD / name, tmp_path / name)
    (tmp_path / names[2]).symlink_to("sendmail")
    (tmp_path / names[3]).write_text("Posthaste's, as every program says somewhere")
    (tmp_path / "manifest").write_text("\n".join(str(tmp_path / name) for name in names))
    return tmp_path


def uninstall(installation, environment, **more):
    return subprocess.run([sys.executable, ROOT / "tools" / "uninstall", installation / "manifest"],
                          env={**environment, **more}, capture_output=True, text=True, check=False, timeout=120)


def left(installation):
    return sorted(path.name for path in installation.rglob("*") if path.name != "manifest" and not path.is_dir())


def test_it_refuses_while_there_is_mail_that_postfix_cannot_read(installation, make_instance, sink):
    sink.replies["RCPT"] = "450 4.2.0 later"
    system = make_instance(relayhost=f"[127.0.0.1]:{sink.port}", minimal_backoff_time="1000s").start()
    system.expect_problem("postsuper.*fatal: (the mail system is running|Postfix cannot read)")
    everything = left(installation)
    running = uninstall(installation, system.environment())
    assert running.returncode == 1 and "the mail system is running: stop it (postfix stop)" in running.stderr
    with system.smtp() as client:
        queue_id = client.deliver("ann@near.test", "bob@far.test", b"Subject: s\r\n\r\nhello\r\n")
    system.wait_for_log(f"{queue_id}: to=.*status=deferred")
    system.stop()
    refused = uninstall(installation, system.environment())
    assert refused.returncode == 1
    assert "Postfix cannot read 1 message of this queue: run postsuper --export DIR first" in refused.stderr
    assert "Nothing was removed." in refused.stderr and "postsuper --export /var/spool/for-postfix" in refused.stderr
    assert left(installation) == everything

    system.run("postsuper", "--export", system.directory / "for-postfix")
    removed = uninstall(installation, system.environment())
    assert removed.returncode == 0, removed.stderr
    assert left(installation) == [] and not (installation / "libexec" / "postfix").exists()
    assert (system.config / "main.cf").exists() and system.queue.exists()
    assert uninstall(installation, system.environment()).returncode == 0, "a second time there is nothing to do"


def test_it_can_be_forced_and_the_mail_stays(installation, make_instance, sink):
    system = make_instance(relayhost=f"[127.0.0.1]:{sink.port}", minimal_backoff_time="1000s").start()
    sink.replies["RCPT"] = "450 4.2.0 later"
    with system.smtp() as client:
        client.deliver("ann@near.test", "bob@far.test", b"Subject: s\r\n\r\nhello\r\n")
    wait_until(lambda: "status=deferred" in system.log(), "the first try")
    system.stop()
    assert uninstall(installation, system.environment(), FORCE="yes").returncode == 0
    assert left(installation) == []
    sink.replies.clear()
    system.start()
    system.run("postqueue", "-f")
    sink.wait_for(1)


def test_a_system_that_never_ran_and_a_staged_tree_are_removed(installation, make_instance, tmp_path):
    system = make_instance()
    staged = tmp_path / "staged"
    shutil.copytree(installation / "sbin", staged / str(installation).lstrip("/") / "sbin", symlinks=True)
    assert uninstall(installation, system.environment(), DESTDIR=str(staged)).returncode == 0
    assert not [path for path in staged.rglob("*") if path.is_file()]
    assert len(left(installation)) == 4
    assert uninstall(installation, system.environment()).returncode == 0
    assert left(installation) == []


def test_programs_of_somebody_else_in_the_same_places_stay(installation, make_instance):
    """Postfix was installed after `make uninstall`, or the manifest is that of a staged tree (it has no DESTDIR)."""
    system = make_instance()
    (installation / "sbin" / "postsuper").write_text("a program of the distribution")
    (installation / "sbin" / "sendmail").write_text("another one")     # mailq leads to it
    removed = uninstall(installation, system.environment())
    assert removed.returncode == 0, removed.stderr
    assert left(installation) == ["mailq", "postsuper", "sendmail"]
    assert f"Left: {installation}/sbin/postsuper, which is not Posthaste's." in removed.stdout
    assert "Removed 2 files." in removed.stdout
    assert "Removed 0 files." in uninstall(installation, system.environment()).stdout
    assert left(installation) == ["mailq", "postsuper", "sendmail"]


def test_pages_that_lead_to_another_are_ours_if_that_is(installation, make_instance):
    pages = installation / "man" / "man8"
    pages.mkdir(parents=True)
    for name, text in [("smtp.8", "a page of Posthaste"), ("lmtp.8", ".so man8/smtp.8\n"), ("x.8", "a page of Postfix"),
                       ("y.8", ".so man8/x.8\n")]:
        (pages / name).write_text(text)
    with (installation / "manifest").open("a") as manifest:
        manifest.write("".join(f"\n{pages}/{name}" for name in ("smtp.8", "lmtp.8", "x.8", "y.8")))
    assert uninstall(installation, make_instance().environment()).returncode == 0
    assert left(installation) == ["x.8", "y.8"]


def test_without_an_installation_it_says_so(tmp_path):
    result = subprocess.run([sys.executable, ROOT / "tools" / "uninstall", tmp_path / "none"], capture_output=True,
                            text=True, check=False, env=os.environ, timeout=60)
    assert result.returncode == 1 and "nothing was installed from here" in result.stderr
