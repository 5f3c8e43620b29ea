"""A file system of a few megabytes as queue directory of an instance, which can be filled up and emptied.

It is a tmpfs, which has both limits that a disk has (bytes and inodes) and gives ENOSPC for each. Mounting it takes the
rights of an administrator; tests that need it have the mark needs_mount and are left out elsewhere (conftest.py).
"""
import contextlib
import ctypes
import os
import pathlib
import tempfile
import threading

_libc = ctypes.CDLL(None, use_errno=True)
_DETACH = 2


def mount(path, megabytes, inodes):
    """Mounts an empty one; OSError if that is not allowed."""
    options = f"size={megabytes}m,nr_inodes={inodes},mode=755".encode()
    if _libc.mount(b"tmpfs", str(path).encode(), b"tmpfs", 0, options) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))


def unmount(path):
    """Also while something works in it: what is left of it goes with the last user."""
    if _libc.umount2(str(path).encode(), _DETACH) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))


def why_not():
    """Why nothing can be mounted here; None if it can."""
    with tempfile.TemporaryDirectory(prefix="ph-mount-", dir="/tmp") as directory:
        try:
            mount(directory, 1, 10)
        except OSError as error:
            return f"a tmpfs cannot be mounted: {error.strerror}"
        unmount(directory)
    return None


class SmallDisk:
    """Mounted over `path`. fill() and free() work with files of a foreign owner's, in no directory of the mail system."""

    def __init__(self, path, megabytes=24, inodes=4000):
        self.path = pathlib.Path(path)
        mount(self.path, megabytes, inodes)
        self._ballast = self.path / "ballast"
        self._ballast.mkdir()

    def close(self):
        unmount(self.path)

    @contextlib.contextmanager
    def kept_full(self, kind):
        """Full, whatever is given back meanwhile; as full at the end."""
        stop = threading.Event()

        def fill():
            while not stop.wait(0.005):
                self.fill(kind)

        self.fill(kind)
        thread = threading.Thread(target=fill, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def fill(self, kind):
        """Takes all that is left: "space" or "inodes"."""
        if kind == "inodes":
            self._fill_inodes()
        else:
            self._fill_space()

    def free(self):
        for path in self._ballast.iterdir():
            path.unlink()

    def give_back(self, inodes):
        """So many of those that fill() took, if it did."""
        for path in list(self._ballast.glob("file-*"))[:inodes]:
            path.unlink()

    def _fill_space(self):
        block = bytes(65536)
        with open(self._ballast / "bytes", "ab", buffering=0) as file:
            for size in (65536, 4096):
                try:
                    while file.write(block[:size]) == size:
                        pass
                except OSError:
                    pass

    def _fill_inodes(self):
        try:
            while True:
                (self._ballast / f"file-{len(os.listdir(self._ballast))}").touch(exist_ok=False)
        except OSError:
            pass
