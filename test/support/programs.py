"""An instance whose programs can be replaced while it runs, as a package upgrade does; and services of other versions."""
import os
import pathlib
import shutil
import socket
import threading

from support.instance import Instance
from support.paths import BUILD


class ReplaceableInstance(Instance):
    """Its programs are those below `programs`, a link: at first to the build, then to what replace() says."""

    def __init__(self, **parameters):
        super().__init__(**parameters)
        self.programs = self.directory / "programs"
        self.programs.symlink_to(BUILD)
        self.configure(daemon_directory=str(self.programs / "libexec"), command_directory=str(self.programs / "sbin"))

    def command_path(self, name):
        # Not yet there when the first files are written.
        return getattr(self, "programs", BUILD) / "sbin" / name

    def copy_of_programs(self):
        """Other files with the same content: what a new package would bring, for all that a running system can see."""
        copy = self.directory / "new"
        for name in ("libexec", "sbin"):
            shutil.copytree(BUILD / name, copy / name, symlinks=True)
        return copy

    def replace(self, directory):
        """From one moment to the next, whoever starts a program gets that of `directory`."""
        link = self.directory / "programs.new"
        link.symlink_to(directory)
        link.rename(self.programs)

    def origins(self, name):
        """Where the running processes of this program are from: the directories that replace() was given, or BUILD."""
        found = set()
        for pid in self.pids(name):
            try:
                found.add(pathlib.Path(os.readlink(f"/proc/{pid}/exe")).parent.parent)
            except OSError:
                pass
        return found


class ForeignService:
    """A service on a UNIX socket that announces this protocol and version, and hangs up: a program of another release
    that does not want to speak with ours, or that ours does not want to speak with."""

    def __init__(self, path, protocol, version):
        body = f"protocol\0{protocol}\0version\0{version}\0\0".encode()
        self._announcement = str(len(body)).encode() + b"\0" + body
        self.clients = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        path.chmod(0o666)
        self._socket.listen(20)
        self._path = path
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.clients += 1
            with client:
                client.settimeout(5)
                try:
                    client.recv(4096)
                    client.sendall(self._announcement)
                except OSError:
                    pass

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._path.unlink()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
