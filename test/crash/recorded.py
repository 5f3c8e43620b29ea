"""An instance whose processes run under the recorder (recorder.cc), as the crash tests want it: everything goes to one
sink, retries come within seconds, segments are as small as they can be."""
import time

from support.instance import Instance
from support.paths import BUILD

import replay

QUIET = 60.0    # seconds without a delivery after which what is missing counts as lost
SOURCES = 4     # SMTP clients; the source of this number is the one that calls sendmail
PASSED_ON = ("LD_PRELOAD RECORD_DIRECTORY RECORD_LOG RECORD_TRAP RECORD_FSYNC_DELAY_MS RECORD_FSYNC_FAIL "
             "RECORD_FSYNC_FAIL_WHEN RECORD_NO_SPACE_WHEN")


def parameters(sink_port):
    return {"relayhost": f"[127.0.0.1]:{sink_port}", "queue_journal_segment_size": replay.SEGMENT_SIZE,
            "queue_journal_message_limit": 65536, "minimal_backoff_time": "1s", "maximal_backoff_time": "2s",
            "queue_run_delay": "1s", "smtpd_client_connection_count_limit": 0, "service_throttle_time": "1s",
            "header_checks": "regexp:{{/^X-Hold:/ HOLD}}",
            "import_environment": f"MAIL_CONFIG TZ LANG=C ASAN_OPTIONS UBSAN_OPTIONS {PASSED_ON}"}


class RecordedInstance(Instance):
    """prepare() makes the recorder part of the environment of everything that is started afterwards."""

    recorder = None

    def environment(self):
        return super().environment() | (self.recorder or {})

    @property
    def record(self):
        return self.directory / "record" / "log"

    @property
    def trap(self):
        return self.directory / "record" / "trap"

    def prepare(self, **settings):
        """settings: the recorder's other variables, without RECORD_."""
        self.record.parent.mkdir()
        self.record.parent.chmod(0o777)     # whoever dies in a trap renames it
        self.record.touch()
        self.record.chmod(0o666)
        self.recorder = {"LD_PRELOAD": str(BUILD / "test" / "librecorder.so"), "RECORD_DIRECTORY": str(self.queue),
                         "RECORD_LOG": str(self.record), "RECORD_TRAP": str(self.trap),
                         **{f"RECORD_{name.upper()}": str(value) for name, value in settings.items()}}

    def start_again(self):
        """After the master died: what an administrator does. Services that died alone come back by themselves."""
        deadline = time.monotonic() + 30
        while not self.pids("master"):
            result = self.run("postfix", "-c", self.config, "start", check=False)
            if result.returncode and time.monotonic() > deadline:
                raise AssertionError(f"the system does not start again: {result.stderr.decode()}\n{self.log()[-3000:]}")
            time.sleep(0.1)
