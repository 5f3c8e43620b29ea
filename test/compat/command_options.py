"""What commands do with each option that their manual page has: exit status and output.

Each scenario runs the calls of one command, in this order, in an instance where mail waits; {A}, {B} and {C} are the
queue ids of three messages, {DIR} is the instance's directory, `<text` at the end of a call is its standard input.
`options-in-manuals` is what the manual pages of the recorded release document, so that none is forgotten.
"""
import gzip
import os
import re
import subprocess

from normalise import normalise

from support import Instance, free_port
from support.paths import YARDSTICK_ROOT
from support.waiting import wait_until

_MESSAGE = b"From: a@example.com\nTo: x@one.test\nSubject: hello\nMessage-ID: <1@example.com>\n" \
           b"Date: Thu, 1 Jan 2026 00:00:00 +0000\n\ntext\n.dot\n"
_TABLE = "texthash:{DIR}/table"
_ALL = "ABCDEF0123"                    # an id that no message has

# Messages as they may come, for postmap -b, -h and -m.
_MIXED = "Subject: one\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=\"o\"\n\npreamble\n--o\n" \
         "Content-Type: text/plain\nX-Part : 1\n\ntext\nSubject: none\n--o\nContent-Type: message/rfc822\n\n" \
         "Subject: two\n folded\nContent-Type: multipart/alternative; boundary=i\n\n--i\n\nplain\n--i\n" \
         "X-Html: yes\n\n<p>\n--i--\nafter\n--o--\nepilogue\n"
_MESSAGES = (
    _MIXED, "Subject: one\n\nbody\n", "Subject : blank\nX-Folded: a\n\tb\n\n\nbody\n\nmore", "no header\nbody\n",
    "Subject: one\nno header\nbody\n", "From me Thu Jan  1 00:00:00 2026\nSubject: one\n\nbody\n", "\nSubject: body\n", "Subject: only",
    "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nSubject: in\n\ntext\n",
    "Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: in\n\ntext\n--d--\n",
    "Content-Type: multipart/mixed; boundary=a\n\n--ab\nX: y\n\ntext\n",
    "Content-Type: message/partial\n\nSubject: in\n\ntext\n", "Content-Type: text/html\nSubject: a\r\n\r\nbody\r\n",
)

CALLS = {
    "postmap-messages": [f"postmap {flags} -q - regexp:{{DIR}}/anything <{message}" for message in _MESSAGES
                         for flags in ("-h", "-b", "-hm", "-bm", "-hbm")],
    "postqueue": [
        "postqueue -p", "postqueue -j", "postqueue -v -p", "postqueue -c {DIR}/etc -p", "postqueue -c {DIR}/nosuch -p",
        "postqueue -pj", "postqueue -f -p", "postqueue -p extra", "postqueue -i", "postqueue -i {A}", "postqueue -i ..",
        "postqueue -i {A}x", f"postqueue -i {_ALL}", "postqueue -s one.test", "postqueue -s a..b", "postqueue -s x y",
        "postqueue -f",
    ],
    "postsuper": [
        "postsuper -c {DIR}/etc -h {A}", "postsuper -c {DIR}/nosuch -h {A}", "postqueue -p", "postsuper -h {A}",
        "postsuper -H {A} deferred", "postsuper -H {A}", "postsuper -H {A}", "postsuper -h {A} -h {B}", "postqueue -p",
        "postsuper -H - hold <{A}\n{B}\n", "postsuper -h ALL nosuch", "postsuper -h ALL deferred", "postsuper -H all",
        "postsuper -H ALL", "postsuper -h {C}", "postsuper -e {C}", "postqueue -p", "postsuper -f {C}", "postsuper -e .",
        "postsuper -r {A} hold", "postsuper -d {A} hold", "postsuper -d {A}", "postsuper -d {A}", "postsuper -p",
        "postsuper -s", "postsuper -S", "postsuper -ps deferred", "postsuper -s nosuch", "postsuper -v -d " + _ALL,
        "postsuper -d", "postsuper deferred", "postsuper -d {A} {B}", "postsuper -r {B}", "postsuper -d - <\n",
    ],
    "postcat": [
        "postcat -q {A}", "postcat -v -qbh {A}", "postcat -qe {A}", "postcat -qh {A}", "postcat -qb {A}", "postcat -qbh {A}", "postcat -qd {A}",
        "postcat -qdbh {A}", "postcat -qobh {A}", "postcat -qdo {A}", "postcat -qr {A}", 
        "postcat -c {DIR}/etc -qb {A}", "postcat -c {DIR}/nosuch -qb {A}", "postcat -qb {A} {B}", "postcat -qb -s x {A}",
        "postcat -qb -s 999999 {A}", "postcat -q ../x", "postcat -q", "postcat -x", "postcat -b {DIR}/table",
        "postcat -b <", "postcat -b - <not a queue file", f"postcat -qb {_ALL} {{A}}",
    ],
    "qshape": [
        "qshape -c {DIR}/etc deferred", "qshape -c {DIR}/etc -s deferred", "qshape -c {DIR}/etc -p -m 1 deferred",
        "qshape -c {DIR}/etc -b 3 deferred", "qshape -c {DIR}/etc -b 3 -t 10 deferred",
        "qshape -c {DIR}/etc -l -b 4 deferred", "qshape -c {DIR}/etc -w 40 deferred", "qshape -c {DIR}/etc -N 1 deferred",
        "qshape -c {DIR}/etc -n 1 deferred", "qshape -c {DIR}/etc", "qshape -c {DIR}/etc hold deferred",
        "qshape -c {DIR}/etc {DIR}/q/deferred", "qshape -c {DIR}/etc -x",
    ],
    "sendmail-modes": [
        "sendmail -bp", "sendmail -bp x", "sendmail -bh", "sendmail -bH", "sendmail -bh x", "sendmail -bi",
        "sendmail -bi x", "sendmail -I", "sendmail -I x", "sendmail -bs <QUIT\r\n", "sendmail -bl x", "sendmail -bd x",
        "sendmail -q5m", "sendmail -q5x", "sendmail -qx", "sendmail -qI..", "sendmail -qRxx", "sendmail -qRa..b", "sendmail -qSx",
        "sendmail -q x", "sendmail -qI{A} x", "sendmail -qRone.test x", "sendmail -q5m x <\n", "sendmail -X file x", "sendmail -Xfile x", "sendmail -XV -bp", "sendmail -bq", "sendmail -b",
        "sendmail -C {DIR}/etc -bp", "sendmail -C {DIR}/etc/main.cf -bp", "sendmail -C {DIR}/nosuch -bp",
        "sendmail -C {DIR}/nosuch/main.cf -bp", "sendmail -bi -oA{DIR}/table", "sendmail -bi -oAtexthash:{DIR}/table",
        "sendmail -bi -oA{DIR}/nosuch", "sendmail -oA{DIR}/nosuch -bp", "sendmail -n -bp", "sendmail -B x y",
        "sendmail -o q -bp", "sendmail -V", "sendmail -bv -t", "sendmail -bv x@one.test",
        "sendmail -q", "sendmail -qI{A}", f"sendmail -qI{_ALL}", "sendmail -qIxx", "sendmail -qRone.test",
    ],
    "mailq": [
        "mailq", "mailq x", "mailq -Am", "mailq -Ac", "mailq -x", "mailq -X x", "mailq -C {DIR}/nosuch",
        "mailq -bp", "mailq -bi", "mailq -q",
    ],
    "newaliases": [
        "newaliases", "newaliases x", "newaliases -v", "newaliases -x", "newaliases -C {DIR}/etc", "newaliases -C {DIR}/nosuch",
        "newaliases -c", "newaliases -oA{DIR}/aliases", "newaliases -oA{DIR}/nosuch", "newaliases -X x", "newaliases -bi",
        "newaliases -i", "newaliases -bp",
    ],
    "postkick": [
        "postkick", "postkick public", "postkick -x", "postkick -c {DIR}/etc private nosuch x", "postkick -v a b c d",
        "postkick -c {DIR}/nosuch private nosuch x",
    ],
    "postlock": [
        "postlock", "postlock {DIR}/box", "postlock {DIR}/box true", "postlock {DIR}/box false", "postlock {DIR}/box sh -c 'exit 9'",
        "postlock -l flock {DIR}/box echo x", "postlock -l dotlock,fcntl {DIR}/box ls {DIR}/box.lock", "postlock -l x {DIR}/box true",
        "postlock -v -c {DIR}/etc {DIR}/box true", "postlock -c {DIR}/nosuch {DIR}/box true", "postlock {DIR}/nosuch/box true",
        "postlock {DIR}/box /nonexistent/command", "postlock -x {DIR}/box true", "postlock {DIR} true",
        "postlock {DIR}/box sh -c 'kill $$'",
    ],
    "postlog": [
        "postlog x y", "postlog -i x", "postlog -v x", "postlog -p info x", "postlog -p warn x", "postlog -p error x",
        "postlog -p fatal x", "postlog -p panic x", "postlog -p warning x", "postlog -p debug x", "postlog -t tag x",
        "postlog -c {DIR}/etc x", "postlog -c {DIR}/nosuch x", "postlog -x", "postlog <a\nb\n", "grep -h postlog {DIR}/maillog",
        "grep -h tag {DIR}/maillog",
    ],
    "postdrop": ["postdrop -rv -c {DIR}/nosuch <", "postdrop -x <"],
    "postmap": [
        f"postmap -q a {_TABLE}", f"postmap -c {{DIR}}/etc -q a {_TABLE}", f"postmap -c {{DIR}}/nosuch -q a {_TABLE}",
        "postmap lmdb:{DIR}/table", "postmap -N lmdb:{DIR}/table", "postmap -n lmdb:{DIR}/table", "postmap -o lmdb:{DIR}/table",
        "postmap -p lmdb:{DIR}/table", "postmap -w lmdb:{DIR}/table", "postmap -wr lmdb:{DIR}/table", "postmap -r lmdb:{DIR}/table",
        "postmap -u lmdb:{DIR}/table", "postmap -U lmdb:{DIR}/table", "postmap -f lmdb:{DIR}/table", "postmap -q UPPER lmdb:{DIR}/table",
        "postmap -fq UPPER lmdb:{DIR}/table", "postmap -fs lmdb:{DIR}/table", "postmap -i lmdb:{DIR}/table <new entry\n",
        "postmap -q new lmdb:{DIR}/table", "postmap -d new lmdb:{DIR}/table", "postmap -d new lmdb:{DIR}/table",
        "postmap -d - lmdb:{DIR}/table <a\nzz\n", "postmap -F -q file lmdb:{DIR}/paths", "postmap -F lmdb:{DIR}/paths",
        "postmap -q file lmdb:{DIR}/paths", "postmap -Fq file lmdb:{DIR}/paths", "postmap -F -s lmdb:{DIR}/paths",
        "postmap -F lmdb:{DIR}/badpaths", "postmap -b -q - regexp:{DIR}/rules <Subject: one\n\nbody text\n",
        "postmap -h -q - regexp:{DIR}/rules <Subject: one\n\nSubject: body\n",
        "postmap -hm -q - regexp:{DIR}/rules <Subject: one\nContent-Type: text/plain\n\nSubject: body\n",
        "postmap -m -q - regexp:{DIR}/rules <Subject: one\n\nSubject: body\n", "postmap -b -q x regexp:{DIR}/rules",
        "postmap -q - {T} {T} <a\nKEY\nnone\n".replace("{T}", _TABLE), f"postmap -v -q none {_TABLE}", "postmap -s {T} {T}".replace("{T}", _TABLE),
        f"postmap -s -q a {_TABLE}", f"postmap -q '' {_TABLE}",
    ],
    "postalias": [
        "postalias lmdb:{DIR}/aliases", "postalias -N lmdb:{DIR}/aliases", "postalias -n lmdb:{DIR}/aliases",
        "postalias -o lmdb:{DIR}/aliases", "postalias -p lmdb:{DIR}/aliases", "postalias -w lmdb:{DIR}/aliases",
        "postalias -r lmdb:{DIR}/aliases", "postalias -u lmdb:{DIR}/aliases", "postalias -f lmdb:{DIR}/aliases",
        "postalias -q Root lmdb:{DIR}/aliases", "postalias -fq Root lmdb:{DIR}/aliases", "postalias -s lmdb:{DIR}/aliases",
        "postalias -i lmdb:{DIR}/aliases <new: entry\n", "postalias -q new lmdb:{DIR}/aliases", "postalias -d new lmdb:{DIR}/aliases",
        "postalias -q new lmdb:{DIR}/aliases", "postalias -d - lmdb:{DIR}/aliases <bin\nzz\n", "postalias -c {DIR}/etc -q bin lmdb:{DIR}/aliases",
        "postalias -c {DIR}/nosuch -q bin lmdb:{DIR}/aliases", "postalias -v -q none lmdb:{DIR}/aliases", "postalias -b lmdb:{DIR}/aliases",
        "postalias -x",
    ],
    "postconf": [
        "postconf -h mail_name", "postconf -H mail_name", "postconf -c {DIR}/etc -n mail_owner biff", "postconf -c {DIR}/nosuch biff",
        "postconf -d biff", "postconf -x mydestination", "postconf -f mydestination", "postconf -o biff=yes biff", "postconf -p biff",
        "postconf -v -h biff", "postconf -C builtin biff", "postconf -C user", "postconf -C x", "postconf -l", "postconf -m", "postconf -M cleanup/unix",
        "postconf -F cleanup/unix/command", "postconf -P cleanup/unix", "postconf -e biff=yes", "postconf -n biff", "postconf '-#' biff",
        "postconf -X nosuchname", "postconf -X biff", "postconf -n biff", "postconf biff=no", "postconf -a", "postconf -A",
        "postconf -T bogus", "postconf -T", "postconf -b {DIR}/nosuch", "postconf -t {DIR}/nosuch", "postconf -nd", "postconf -y",
    ],
    "postfix": [
        "postfix -c {DIR}/etc status", "postfix -v -c {DIR}/etc status", "postfix -D -c {DIR}/etc status", "postfix -c {DIR}/nosuch status",
        "postfix -x",
    ],
}
# Without a configuration that can be used: the file is not there, is malformed, or names a directory that is not there.
_EACH = ["sendmail x <text\n", "sendmail -bp", "sendmail -bi", "sendmail -q", "sendmail -bs <QUIT\r\n", "mailq", "newaliases",
         "postqueue -p", "postqueue -j", "postqueue -f", f"postqueue -i {_ALL}", "postqueue -s one.test", "postsuper -p",
         f"postsuper -d {_ALL}", f"postcat -q {_ALL}", "postconf -h mail_owner", "postmap -q a static:x",
         "postalias -q a static:x", "postlog x", "postkick public nosuch W", "postlock {DIR}/box true", "postdrop <"]
_BROKEN = {"missing": lambda good: None, "malformed": lambda good: good + "word\n",
           "bad-number": lambda good: good + "message_size_limit = x\n",
           "no-queue": lambda good: re.sub(r"(?m)^queue_directory = .*", "queue_directory = /nonexistent", good)}
# Standard output cannot be written.
_FULL = ["postqueue -p", "postqueue -j", "mailq", "sendmail -bp", "postcat -q {A}", "postconf", "postconf -m", "postconf -M",
         "postconf -h biff", "postmap -q a " + _TABLE, "postmap -s lmdb:{DIR}/table", "postalias -s lmdb:{DIR}/table",
         "postmap -q - {T} <a\n".replace("{T}", _TABLE), "postalias -q a " + _TABLE, "qshape -c {DIR}/etc deferred"]
# Mail that is given to sendmail, and what of it is in the queue.
SUBMISSIONS = [
    "-bm x@one.test", "-f s@example.com x@one.test", "-r s@example.com x@one.test", "-F 'Full Name' x@one.test",
    "-f '' x@one.test", "-f 'a b' x@one.test",
    "-B 8BITMIME x@one.test", "-B 7BIT x@one.test", "-R hdrs x@one.test", "-R full x@one.test", "-R x x@one.test",
    "-N never x@one.test", "-N success,delay x@one.test", "-N x x@one.test", "-V id1 x@one.test", "-XV x@one.test",
    "-XV+= x@one.test", "-XVab x@one.test", "-XVabc x@one.test", "-t", "-t y@one.test", "-i x@one.test", "-oi x@one.test",
    "-G x@one.test", "-h 3 x@one.test", "-L x x@one.test", "-m x@one.test", "-O x=y x@one.test", "-o7 x@one.test",
    "-o8 x@one.test", "-om x@one.test", "-U x@one.test", "-Am x@one.test", "-Ac x@one.test", "-n x@one.test",
    "-ox x@one.test", "-v x@one.test", "-p x x@one.test", "-e x x@one.test", "-c x@one.test", "-x x@one.test",
]
SCENARIOS = [*CALLS, *(f"configuration-{name}" for name in _BROKEN), "full", "submissions", "options-in-manuals"]


def _options_of(page):
    """{option} of a manual page: what follows the tag of a paragraph."""
    name = YARDSTICK_ROOT / "usr/share/man/man1" / f"{page}.1.gz"
    found = set()
    for line in gzip.decompress(name.read_bytes()).decode().replace("\\-", "-").splitlines():
        if tag := re.match(r'\.IP "?(?:\\fB)?(-.*)', line):
            found |= set(re.findall(r"(?:^|\s|\\fB)(-[A-Za-z0-9#](?:[a-zA-Z](?=\\|$|\s|\"))?)", tag[1]))
    return sorted(found)


PAGES = ["postqueue", "postsuper", "postcat", "qshape", "sendmail", "postkick", "postlock", "postlog", "postdrop", "postalias",
         "postmap", "postconf", "postfix", "smtp-source", "smtp-sink"]


def _text(call, output):
    text = re.sub(r'"(arrival_time|message_size)": \d+', r'"\1": N', normalise(output))
    if re.match(r"postcat -q[a-z]*o", call):
        text = re.sub(r"^[ \d]{8}\d ", "OFFSET ", text, flags=re.M)
    if " -v" in call:                # what is said for debugging is everybody's own
        text = re.sub(r"(?m)^[\w/-]+: (?!fatal|warning|error).*\n", "", text)
    text = re.sub(r"(client|server)_port=\d+", r"\1_port=N", text)
    text = re.sub(r"deferred/\w/", "deferred/X/", text)
    text = re.sub(r"(?m)\[\d+\]: ", "[PID]: ", text)
    if re.match(r"\S+ -s (?!-)", call):          # the order of tables is their own
        text = "\n".join(sorted(text.splitlines()))
    text = re.sub(r"message_size: .*", "message_size: N", text)
    text = re.sub(r"\b[A-Z][a-z]{2} [A-Z][a-z]{2} [ 0-3]\d DATE|DATE \d{4}", "DATE", text)
    lines = text.splitlines(keepends=True)
    return "".join(line for number, line in enumerate(lines) if number == 0 or line != lines[number - 1])


class _Place:
    """A running instance with three deferred messages."""

    def __init__(self, make):
        self.instance = make(relayhost=f"[127.0.0.1]:{free_port()}", fast_flush_domains="one.test").start()
        instance = self.instance
        instance.aliases("bin: root\nRoot: daemon\n")
        instance.table("table", "a b\nKEY  value\nUPPER lower\n")
        instance.table("paths", f"file {instance.directory}/table\n")
        instance.table("badpaths", f"file {instance.directory}/nosuch\n")
        instance.table("anything", "/^/ matches\n")
        instance.table("rules", "/^subject: (.*)/ header $1\n/^body/ line\n/^content-type/ type\n")
        self.ids = {}
        for count, letter in enumerate("ABC", 1):
            with instance.smtp() as client:
                client.deliver("a@example.com", ["x@one.test", "y@one.test"], _MESSAGE)
            instance.wait_for_log("status=deferred", count=2 * count)
            self.ids[letter] = re.findall(r"(\w+): from=<a@example.com>", instance.log())[-1]
        wait_until(lambda: len(re.findall(rb"\(", instance.run("postqueue", "-p").stdout)) == 3, "the reasons in the listing")

    def fill_in(self, text):
        for letter, queue_id in self.ids.items():
            text = text.replace(f"{{{letter}}}", queue_id)
        return text.replace("{DIR}", str(self.instance.directory))

    def call(self, call, output=subprocess.PIPE):
        """Exit status and output; the second is empty where it goes elsewhere."""
        instance = self.instance
        words, _, given = call.partition(" <")
        command, _, rest = words.partition(" ")
        path = str(instance.command_path(command)) if command != "grep" else "grep"
        # mailq and newaliases are other names of Postfix's sendmail.
        name = str(instance.directory / command) if command in ("mailq", "newaliases") else path
        run = subprocess.run(
            [*instance._prefix(), "bash", "-c", f"exec -a \"$0\" '{path}' {self.fill_in(rest)}", name], check=False,
            input=self.fill_in(given).encode(), stdout=output, stderr=subprocess.PIPE, timeout=60,
            env=instance.environment() | {"PATH": f"{path.rpartition('/')[0]}:/usr/sbin:/usr/bin:/sbin:/bin"})
        said = (run.stdout or b"").decode(errors="replace") + run.stderr.decode(errors="replace")
        said = said.replace(str(instance.command_path("x"))[:-1], "").replace(f"{instance.directory}/mailq", "mailq").replace(
            f"{instance.directory}/newaliases", "newaliases")
        return {"exit": run.returncode, "output": _text(call, said)}


# Where a bad value stops Postfix's postqueue, ours asks a service that waits for a better main.cf.
_LEFT_OUT = {"bad-number": {"postqueue -s one.test"}}


def _broken(place, name):
    change = _BROKEN[name]
    main = place.instance.config / "main.cf"
    good = main.read_text()
    changed = change(good)
    try:
        main.unlink()
        if changed is not None:
            main.write_text(changed)
        return {call: place.call(call) for call in _EACH if call not in _LEFT_OUT.get(name, ())}
    finally:
        main.write_text(good)


_KEPT = ("sender", "sender_fullname", "recipient", "original_recipient", "verp_delimiters", "regular_text")
_KEPT_ATTRIBUTES = ("encoding", "envelope_id", "ret_flags", "notify_flags", "rewrite_context")


def _submitted(place, options):
    """What sendmail said, and of the message in the queue what it said of itself."""
    instance = place.instance
    known = set(_listed(instance))
    said = place.call(f"sendmail {options} <From: a@example.com\nTo: t@one.test\n\ntext\n.\nmore\n")
    if said["exit"] != 0:
        return said
    wait_until(lambda: [each for each in _listed(instance) if each not in known and _is_deferred(instance, each)],
               f"the message of sendmail {options}", timeout=20)
    queue_id = next(each for each in _listed(instance) if each not in known)
    facts = []
    for line in instance.run("postcat", "-qe", queue_id).stdout.decode().splitlines():
        kind, _, value = line.partition(": ")
        if kind in _KEPT or (kind == "named_attribute" and value.partition("=")[0] in _KEPT_ATTRIBUTES):
            facts.append(line.replace("named_attribute: ", ""))
    content = instance.run("postcat", "-qb", queue_id).stdout.decode()
    instance.run("postsuper", "-d", queue_id)
    return {**said, "facts": sorted({normalise(fact) for fact in facts}), "body": normalise(content)}


def _listed(instance):
    return re.findall(r'"queue_name": "(?:deferred)", "queue_id": "(\w+)"', instance.run("postqueue", "-j").stdout.decode())


def _is_deferred(instance, queue_id):
    return re.search(rf"{queue_id}: to=.* status=(deferred|undeliverable)", instance.log())


def observe(scenario, make_instance=Instance, **more):
    """{call: answer} of one scenario; the instance is gone afterwards."""
    if scenario == "options-in-manuals":
        return {page: _options_of(page) for page in PAGES}
    place = None
    try:
        made = []
        place = _Place(lambda **settings: made.append(make_instance(**settings, **more)) or made[-1])
        if scenario.startswith("configuration-"):
            return _broken(place, scenario.removeprefix("configuration-"))
        if scenario == "full":
            place.call("postmap lmdb:{DIR}/table")
            with open(os.devnull.replace("null", "full"), "wb") as full:
                return {call: place.call(call, full) for call in _FULL}
        if scenario == "submissions":
            return {options: _submitted(place, options) for options in SUBMISSIONS}
        answers = {}
        for call in CALLS[scenario]:
            number = sum(each.partition(" (again")[0] == call for each in answers)
            answers[call + (f" (again {number})" if number else "")] = place.call(call)
        return answers
    finally:
        for each in made:
            each.close()
