"""What changes with the parameters of local(8), virtual(8) and pipe(8): one instance has a transport for each of SETTINGS,
and mail for NAME.test goes through the transport NAME. {dir} is the instance's directory.
"""
import os
import pwd
import threading
import time

import pytest

from support.configuration import services_text

BODY = b"Subject: x\r\n\r\n" + 20 * b"a line of the message that makes it longer\r\n"
OWNER = pwd.getpwuid(os.getuid() or pwd.getpwnam("nobody").pw_uid)      # of virtual mailboxes

LOCAL = {
    "home": {"home_mailbox": "{home}"},
    "spool": {"mail_spool_directory": "{dir}/mail/spool/"},
    "size": {"mail_spool_directory": "{dir}/mail/size", "mailbox_size_limit": 500},
    "fcntl-only": {"mail_spool_directory": "{dir}/mail/fcntl-only", "mailbox_delivery_lock": "fcntl",
                   "deliver_lock_attempts": 1},
    "stale": {"mail_spool_directory": "{dir}/mail/stale", "stale_lock_time": "30s", "deliver_lock_attempts": 2,
              "deliver_lock_delay": "1s"},
    "patient": {"mail_spool_directory": "{dir}/mail/patient", "deliver_lock_attempts": 2, "deliver_lock_delay": "4s"},
    "owner": {"mail_spool_directory": "{dir}/mail/owner", "strict_mailbox_ownership": False},
    "no-files": {"allow_mail_to_files": ""},
    "few-characters": {"command_expansion_filter": "abcdefghijklmnopqrstuvwxyz@."},
    "privileges": {"default_privs": "games"},
    "forward": {"forward_path": "{dir}/forward/$user"},
}
VIRTUAL = {
    "virtual-size": {"virtual_mailbox_limit": 500},
    "virtual-fcntl": {"virtual_mailbox_lock": "fcntl", "deliver_lock_attempts": 1},
    "virtual-filter": {"virtual_delivery_status_filter": "static:{4.2.9 not today}"},
}
PIPE = {"pipe-filter": {"pipe_delivery_status_filter": "static:{4.2.9 not today}"}}


class Agents:
    def __init__(self, make_shared_instance):
        names = [*LOCAL, *VIRTUAL, *PIPE]
        routes = " ".join(f"{{{name}.test={name}:}}" for name in names)
        self.instance = make_shared_instance(
            transport_maps=f"inline:{{ {{gone.test=discard:}} {routes} }}", virtual_minimum_uid=1,
            virtual_mailbox_maps="inline:{ " + " ".join(f"{{u@{name}.test={name}}}" for name in VIRTUAL) + " }",
            virtual_uid_maps=f"static:{OWNER.pw_uid}", virtual_gid_maps=f"static:{OWNER.pw_gid}")
        directory = self.instance.directory
        self.mail = directory / "mail"
        for path in [self.mail, self.mail / "virtual", directory / "forward", *[self.mail / name for name in LOCAL]]:
            path.mkdir()
            path.chmod(0o777)
        (directory / "out").touch()
        (directory / "out").chmod(0o666)
        self.instance.configure(virtual_mailbox_base=str(self.mail / "virtual"))
        pipe = f"unix - n n - - pipe user={OWNER.pw_name} argv=/bin/false"
        self.instance.master = (services_text("unix - n n - - local", self.filled_in(LOCAL)) +
                                services_text("unix - n n - - virtual", VIRTUAL) + _pipes(pipe))
        self.instance.aliases(f'file: {directory}/tofile\n'
                              f'sender: "|echo $SENDER >>{directory}/out"\n'
                              f'rights: "|id -un >>{directory}/out"\n')
        self.instance.start()

    def filled_in(self, services):
        texts = {"{dir}": str(self.instance.directory), "{home}": self.instance.home_relative("mail/home/box")}
        return {name: {parameter: _replaced(value, texts) for parameter, value in settings.items()}
                for name, settings in services.items()}

    def deliver(self, name, user=None, sender="s@example.com"):
        """What the log says of the delivery."""
        with self.instance.smtp() as client:
            queue_id = client.deliver(sender, f"{user or self.instance.user}@{name}.test", BODY)
        return self.instance.wait_for_log(rf"{queue_id}: (to=.*)$").group(1)

    def box(self, name):
        """The recipient's mailbox in a spool directory of its own."""
        return self.mail / name / self.instance.user

    def own(self, path):
        """Makes the file the recipient's."""
        path.touch()
        os.chown(path, pwd.getpwnam(self.instance.user).pw_uid, -1)
        return path


def _replaced(value, texts):
    for name, text in texts.items():
        value = value.replace(name, text) if isinstance(value, str) else value
    return value


def _pipes(fields):
    """The arguments of a command stand behind all options."""
    [(name, settings)] = PIPE.items()
    command, arguments = fields.split(" user=")
    return services_text(command, {name: settings}) + f"    user={arguments}\n"


@pytest.fixture(scope="module")
def agents(make_shared_instance):
    return Agents(make_shared_instance)


def test_home_mailbox_is_where_mail_goes(agents):
    assert "delivered to mailbox" in agents.deliver("home")
    assert b"Subject: x" in (agents.mail / "home" / "box").read_bytes()


def test_mail_spool_directory_with_a_slash_has_maildirs(agents):
    assert "delivered to maildir" in agents.deliver("spool")
    assert len(list((agents.box("spool") / "new").iterdir())) == 1


@pytest.mark.parametrize("name, user", [("size", None), ("virtual-size", "u")])
def test_a_mailbox_limit_bounces_what_is_too_much(agents, name, user):
    assert "dsn=5.2.2, status=bounced" in agents.deliver(name, user)


@pytest.mark.parametrize("name, user", [("fcntl-only", None), ("virtual-fcntl", "u")])
def test_a_lock_file_does_not_count_where_locks_are_fcntl_only(agents, name, user):
    lock = agents.mail / "virtual" / f"{name}.lock" if user else agents.box(name).with_suffix(".lock")
    lock.touch()
    assert "status=sent" in agents.deliver(name, user)
    assert lock.exists()


def test_stale_lock_time_removes_an_old_lock_file(agents):
    lock = agents.box("stale").with_suffix(".lock")
    agents.own(lock)
    before = time.time() - 60
    os.utime(lock, (before, before))
    assert "status=sent" in agents.deliver("stale")
    assert not lock.exists()


def test_deliver_lock_delay_is_the_time_between_two_attempts(agents):
    """The lock is gone when the second and last one is made."""
    lock = agents.own(agents.box("patient").with_suffix(".lock"))
    threading.Timer(2, lock.unlink).start()
    assert "status=sent" in agents.deliver("patient")


@pytest.mark.needs_root
def test_strict_mailbox_ownership_off_delivers_to_a_mailbox_of_somebody_else(agents):
    box = agents.box("owner")
    box.touch()
    box.chmod(0o666)
    os.chown(box, pwd.getpwnam("games").pw_uid, -1)
    assert "status=sent" in agents.deliver("owner")
    assert box.stat().st_uid == pwd.getpwnam("games").pw_uid


def test_allow_mail_to_files_says_whose_files_are_written(agents):
    assert "dsn=5.7.1, status=bounced (mail to file is restricted)" in agents.deliver("no-files", "file")
    assert not (agents.instance.directory / "tofile").exists()


def test_command_expansion_filter_is_what_strangers_can_say_to_a_command(agents):
    agents.deliver("few-characters", "sender", sender="a-b=c@example.com")
    assert "a_b_c@example.com\n" in (agents.instance.directory / "out").read_text()


@pytest.mark.needs_root
def test_default_privs_are_the_rights_of_commands_of_root(agents):
    assert "delivered to command" in agents.deliver("privileges", "rights")
    assert "games\n" in (agents.instance.directory / "out").read_text()


def test_forward_path_is_where_forward_files_are(agents):
    agents.own(agents.instance.directory / "forward" / agents.instance.user).write_text("far@gone.test\n")
    assert "status=sent (forwarded as " in agents.deliver("forward")


@pytest.mark.parametrize("name", ["virtual-filter", "pipe-filter"])
def test_a_delivery_status_filter_replaces_what_became_of_a_delivery(agents, name):
    """The recipient of the first is unknown, the command of the second does not end well."""
    assert agents.deliver(name, "unknown").endswith("dsn=4.2.9, status=deferred (not today)")
