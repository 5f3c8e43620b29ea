"""A private mail system: Posthaste from the build folder, or Debian's Postfix for comparison.

    with Instance(message_size_limit=1000) as instance:
        with instance.smtp() as client: ...
        instance.wait_for_log(r"status=sent")

Everything is below one directory with a short name (a UNIX socket's path has room for 107 bytes): etc (main.cf,
master.cf), q (the queue), d (data_directory), spool (mailboxes), maillog, sanitizer (reports of the asan build).
As root the daemons change to other accounts as on a real system; as an ordinary user they all run as that user.
"""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

from support import configuration
from support.paths import BUILD, ROOT, YARDSTICK_ROOT
from support.ports import free_port
from support.smtp_client import Client
from support.waiting import PATIENCE, wait_until


def processes_of(queue):
    """{pid: program name} of whoever works in this queue directory."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            directory = os.readlink(entry / "cwd")
            if directory == str(queue) or directory.startswith(f"{queue}/"):
                arguments = (entry / "cmdline").read_bytes().split(b"\0")
                if arguments[0]:
                    found[int(entry.name)] = os.path.basename(arguments[0].decode())
        except OSError:
            pass
    return found


def kill_all_of(queue):
    """kill -9 for everything that works in this queue directory, master first, as a power cut would."""
    for _ in range(200):
        processes = sorted(processes_of(queue).items(), key=lambda item: item[1] != "master")
        if not processes:
            return
        for pid, _ in processes:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.01)


def sweep():
    """Removes instances whose test process is gone without having stopped them (it was killed)."""
    for owner in pathlib.Path("/tmp").glob("ph-*/owner"):
        try:
            if owner.parent.stat().st_uid == os.getuid() and not os.path.exists(f"/proc/{int(owner.read_text())}"):
                kill_all_of(owner.parent / "q")
                if (owner.parent / "q").is_mount():
                    subprocess.run(["umount", "-l", str(owner.parent / "q")], check=False)
                shutil.rmtree(owner.parent, ignore_errors=True)
        except (OSError, ValueError):
            pass                                    # somebody else was faster


class Instance:
    """One instance with its processes. start() and stop() may alternate; close() also removes the directory.

    Keywords are main.cf parameters. `master` is text added to master.cf, `service_options` -o settings (see
    configuration.master_text). `kind` is "posthaste" or "postfix".
    """

    def __init__(self, kind="posthaste", dns_port=None, master="", service_options=None, directory=None,
                 address="127.0.0.1", smtp_port=None, **parameters):
        self.kind = kind
        self.directory = pathlib.Path(directory or tempfile.mkdtemp(prefix="ph-", dir="/tmp"))
        self.directory.chmod(0o755)
        self.config = self.directory / "etc"
        self.queue = self.directory / "q"
        self.spool = self.directory / "spool"
        self.maillog = self.directory / "maillog"
        self.aliases_file = self.directory / "aliases"
        self.address = address
        self.smtp_port = smtp_port or free_port(address=address)
        self.user = configuration.local_user()
        self.parameters = configuration.default_main(self.directory, kind, address, dns_port) | parameters
        self.master = master
        self.service_options = service_options or {}
        self.expected_problems = []
        (self.directory / "owner").write_text(str(os.getpid()))
        self._make_directories()
        self.write_configuration()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.close()

    # --- configuration

    def _make_directories(self):
        for name, mode in [("etc", 0o755), ("q", 0o755), ("d", 0o700), ("spool", 0o1777), ("bin", 0o755),
                           ("sanitizer", 0o1777)]:
            path = self.directory / name
            path.mkdir(exist_ok=True)
            path.chmod(mode)
        if configuration.is_root():
            shutil.chown(self.directory / "d", configuration.MAIL_OWNER)
        # What mail_version-independent programs such as mail(1) call: sendmail with this instance's configuration.
        script = self.directory / "bin" / "sendmail"
        script.write_text(f"#!/bin/sh\nexport MAIL_CONFIG={self.config}\n{self._shell_environment()}"
                          f'exec {self._prefix_text()}{self.command_path("sendmail")} "$@"\n')
        script.chmod(0o755)

    def _shell_environment(self):
        return "".join(f"export {name}={value}\n" for name, value in self._sanitizer_options().items())

    def _prefix_text(self):
        return "".join(f"{word} " for word in self._prefix())

    def configure(self, **parameters):
        """Changes main.cf; a running instance sees it after reload()."""
        self.parameters |= parameters
        self.write_configuration()

    def write_configuration(self):
        configuration.write(self.config / "main.cf", configuration.main_text(self.parameters))
        configuration.write(self.config / "master.cf",
                            configuration.master_text(self.kind, self.address, self.smtp_port, self.master,
                                                      self.service_options))

    def aliases(self, text):
        """Makes this the alias database (hash:); a running instance needs a reload() the first time."""
        configuration.write(self.aliases_file, text)
        self.configure(alias_maps=f"hash:{self.aliases_file}", alias_database=f"hash:{self.aliases_file}")
        self.run("newaliases")

    def table(self, name, text):
        """Writes a text file for a table below the instance and returns its path."""
        path = self.directory / name
        configuration.write(path, text)
        return path

    # --- commands

    def _sanitizer_options(self):
        if self.kind == "postfix":
            return {}
        log = f"log_path={self.directory}/sanitizer/report"
        return {"ASAN_OPTIONS": f"{log}:detect_leaks=0:handle_abort=1", "UBSAN_OPTIONS": f"{log}:print_stacktrace=1",
                "TSAN_OPTIONS": log}

    def environment(self):
        """What the instance's commands see: nothing of the tester's own settings but the path."""
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": os.environ.get("HOME", "/"), "LANG": "C",
                "MAIL_CONFIG": str(self.config), **self._sanitizer_options()}

    def command_path(self, name):
        if self.kind == "postfix":
            return YARDSTICK_ROOT / "usr/sbin" / {"mailq": "sendmail", "newaliases": "sendmail"}.get(name, name)
        return BUILD / "sbin" / name

    def _prefix(self):
        return [str(ROOT / "tools/yardstick"), "run"] if self.kind == "postfix" else []

    def run(self, command, *arguments, stdin=b"", check=True, timeout=120, **options):
        """Runs one of the mail system's commands; the result has bytes in stdout and stderr."""
        name = command if not (self.kind == "postfix" and command in ("mailq", "newaliases")) else "sendmail"
        flags = {"mailq": ["-bp"], "newaliases": ["-bi"]}.get(command, []) if name != command else []
        stdin = stdin.encode() if isinstance(stdin, str) else stdin
        result = subprocess.run([*self._prefix(), str(self.command_path(name)), *flags, *map(str, arguments)],
                                input=stdin, capture_output=True, env=self.environment(), timeout=timeout,
                                check=False, **options)
        if check and result.returncode:
            raise AssertionError(f"{command} {' '.join(map(str, arguments))}: exit {result.returncode}\n"
                                 f"{result.stdout.decode()}{result.stderr.decode()}{self.log()[-3000:]}")
        return result

    def sendmail(self, *arguments, stdin=b"", check=True, **options):
        return self.run("sendmail", *arguments, stdin=stdin, check=check, **options)

    # --- life

    def start(self, timeout=120):
        self.run("postfix", "-c", self.config, "start", timeout=timeout)
        self.wait_until_listening(self.smtp_port, self.address)
        return self

    def stop(self):
        """An orderly stop; processes that stay longer than that are killed, and the test is told."""
        if not self.processes():
            return
        self.run("postfix", "-c", self.config, "stop", check=False)
        try:
            wait_until(lambda: not self.processes(),
                       lambda: f"the end of {self.kind}'s {self.processes()} after postfix stop; log:\n{self.log()[-3000:]}")
        finally:
            self.kill_all()

    def reload(self):
        self.run("postfix", "-c", self.config, "reload")

    def close(self):
        """Stops and removes everything. Call problems() before."""
        try:
            self.stop()
        finally:
            self.kill_all()
            shutil.rmtree(self.directory, ignore_errors=True)

    def processes(self):
        """{pid: program name} of this instance: whoever works in its queue directory (all daemons do)."""
        return processes_of(self.queue)

    def pids(self, name):
        """The processes of one program (master, smtpd, qmgr, ...), oldest first."""
        return sorted(pid for pid, program in self.processes().items() if program == name)

    def kill(self, name, signal_number=signal.SIGKILL):
        """Sends a signal to every process of a program and returns their ids."""
        pids = self.pids(name)
        for pid in pids:
            try:
                os.kill(pid, signal_number)
            except ProcessLookupError:
                pass
        return pids

    def kill_all(self):
        """kill -9 for the whole instance, master first, as a power cut would."""
        kill_all_of(self.queue)

    # --- what a test looks at

    def smtp(self, ehlo="client.test", port=None, **options):
        return Client(port or self.smtp_port, host=self.address, ehlo=ehlo, **options)

    def wait_until_listening(self, port, address="127.0.0.1"):
        packed = "".join(f"{int(part):02X}" for part in reversed(address.split(".")))

        def listening():
            with open("/proc/net/tcp", encoding="ascii") as table:
                rows = [line.split() for line in list(table)[1:]]
            return any(row[1] in (f"{packed}:{port:04X}", f"00000000:{port:04X}") and row[3] == "0A" for row in rows)

        wait_until(listening, lambda: f"a server on {address}:{port}; log:\n{self.log()[-3000:]}")

    def log(self):
        return self.maillog.read_text(errors="replace") if self.maillog.exists() else ""

    def wait_for_log(self, pattern, timeout=PATIENCE, count=1):
        """The match object of the first (or count-th) place in the log that the pattern fits."""
        def matches():
            found = list(re.finditer(pattern, self.log(), re.M))
            return found[count - 1] if len(found) >= count else None

        return wait_until(matches, lambda: f"log line {pattern!r}; log:\n{self.log()[-6000:]}", timeout)

    def queue_is_empty(self):
        return b"Mail queue is empty" in self.run("postqueue", "-p").stdout

    def wait_until_queue_empty(self, timeout=PATIENCE):
        wait_until(self.queue_is_empty, lambda: "an empty queue: " + self.run("postqueue", "-p").stdout.decode() +
                   self.log()[-4000:], timeout, interval=0.05)

    def mailbox_path(self, user=None):
        return self.spool / (user or self.user)

    def mailbox(self, user=None):
        """The text of a user's mbox (bytes); empty when there is none."""
        path = self.mailbox_path(user)
        return path.read_bytes() if path.exists() else b""

    def wait_for_mailbox(self, content, user=None, timeout=PATIENCE):
        """The mailbox, as soon as it contains these bytes."""
        wait_until(lambda: content in self.mailbox(user), lambda: f"{content!r} in the mailbox of {user or self.user}: "
                   f"{self.mailbox(user)[-2000:]!r}; log:\n{self.log()[-4000:]}", timeout)
        return self.mailbox(user)

    def home_relative(self, path):
        """`path` below the instance as home_mailbox value, for accounts whose real home must stay untouched."""
        return "../" * 8 + f"{self.directory}/{path}".lstrip("/")

    def expect_problem(self, pattern):
        """Tells that log lines of this pattern are part of the test: problems() leaves them out."""
        self.expected_problems.append(re.compile(pattern))

    def problems(self):
        """Sanitizer reports, and log lines of level fatal or panic that the test did not expect."""
        found = [f"{path.name}:\n{path.read_text(errors='replace')[:8000]}"
                 for path in sorted((self.directory / "sanitizer").glob("report*"))] if self.directory.exists() else []
        for line in self.log().splitlines():
            if re.search(r": (panic|fatal): |killed by signal 6|killed by signal 11", line):
                if not any(pattern.search(line) for pattern in self.expected_problems):
                    found.append(line)
        return found
