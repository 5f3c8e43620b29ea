"""An instance with an alias database and with .forward files in a directory of its own, so that no real home is touched.

In the texts {command} is a command that says as whom it runs, {show} one that shows its environment and the headers
that it gets (see shown()), and {dir} the instance's directory.
"""
import os
import pwd
import re

_COMMAND = '"|echo ran as `id -un`:`id -gn` >>{out}"'
_SHOW = '"|(env; sed /^$/q) >>{out}"'


class LocalLists:
    def __init__(self, instance, aliases, forwards):
        self.instance = instance
        self.out = instance.directory / "out"
        self.out.touch()
        self.out.chmod(0o666)
        self.forwards = instance.directory / "forwards"
        self.forwards.mkdir()
        for user, text in forwards.items():
            self.write_forward(user, text)
        instance.configure(forward_path=f"{self.forwards}/$user")
        instance.aliases(self.filled_in(aliases))
        instance.start()

    def command(self):
        return _COMMAND.format(out=self.out)

    def filled_in(self, text):
        return (text.replace("{command}", self.command()).replace("{show}", _SHOW.format(out=self.out))
                .replace("{dir}", str(self.instance.directory)))

    def write_forward(self, user, text):
        path = self.forwards / user
        path.write_text(self.filled_in(text))
        if os.getuid() == 0:
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)
        return path

    def deliver(self, user, sender="s@example.com", subject=b"list"):
        """The status lines of one message to this user, once it has left the queue."""
        with self.instance.smtp() as client:
            queue_id = client.deliver(sender, f"{user}@local.test", b"Subject: " + subject + b"\r\n\r\nx\r\n")
        self.instance.wait_for_log(f"{queue_id}: removed")
        return re.findall(rf"{queue_id}: to=.*status=(.*)", self.instance.log())

    def ran_as(self):
        return self.out.read_text().splitlines()

    def shown(self):
        """What {show} was given: {name or header: value}."""
        pairs = re.findall(r"^([A-Z_]+(?==)|[\w-]+(?=: ))(?:=|: )(.*)$", self.out.read_text(), re.M)
        return dict(reversed(pairs))
