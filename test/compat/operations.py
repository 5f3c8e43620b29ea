"""What an administrator sees: log lines, queue listings, mailboxes, bounces, and what commands print and return.

Each function runs one scenario with a fresh instance and returns {name of the text: text}. Texts are normalised;
log lines are sorted, because the processes that write them race.
"""
import re

from normalise import normalise

from support import Instance, Sink, free_port
from support.waiting import wait_until

_MESSAGE = b"From: a@example.com\nTo: bin@local.test\nSubject: hello\nMessage-ID: <1@example.com>\n" \
           b"Date: Thu, 1 Jan 2026 00:00:00 +0000\n\ntext\n.dot\n"


def log_of(instance):
    """The log since the start, without statistics that come at any time."""
    lines = [normalise(line) for line in instance.log().splitlines()]
    started = max((number for number, line in enumerate(lines) if "daemon started" in line), default=-1)
    return sorted(line for line in lines[started + 1:] if not re.search(r"postfix/(anvil|postqueue|postsuper)\[|statistics:", line))


def finished(instance, *patterns):
    """Waits until all of these are in the log, and the client's disconnect, if there was one."""
    for pattern in patterns:
        instance.wait_for_log(pattern)
    if re.search(r": connect from", instance.log()):
        instance.wait_for_log(r": disconnect from")


def send(instance, *recipients, sender="a@example.com", message=_MESSAGE):
    with instance.smtp() as client:
        client.deliver(sender, list(recipients), message)


def said(instance, command, *arguments, **options):
    """Exit status and output of a command, as text."""
    result = instance.run(command, *arguments, check=False, **options)
    output = normalise(result.stdout.decode() + result.stderr.decode()).replace(str(instance.command_path("x"))[:-1], "")
    return {"exit": result.returncode, "output": output}


def local_delivery(make):
    instance = make().start()
    send(instance, "bin@local.test")
    finished(instance, "removed")
    return {"log": log_of(instance), "mailbox": normalise(instance.mailbox().decode())}


def local_by_sendmail(make):
    instance = make().start()
    instance.sendmail("-f", "a@example.com", "-F", "A Sender", "bin", stdin=b"Subject: hello\n\ntext\n..\nFrom here\n")
    finished(instance, "removed")
    return {"log": log_of(instance), "mailbox": normalise(instance.mailbox().decode())}


def sendmail_recipients_from_header(make):
    instance = make().start()
    instance.sendmail("-t", "-i", "-f", "a@example.com", stdin=b"To: bin, Second <daemon@local.test>\nCc: bin\n"
                      b"Bcc: sys@local.test\nSubject: hello\n\ntext\n.\nmore\n")
    finished(instance, "removed")
    return {"log": log_of(instance), **{user: normalise(instance.mailbox(user).decode()) for user in
                                        ("bin", "daemon", "sys")}}


def local_unknown_bounces(make):
    instance = make(local_recipient_maps="").start()
    send(instance, "nobody-here@local.test", sender="bin@local.test")
    finished(instance, "removed[^$]*removed")
    return {"log": log_of(instance), "bounce": normalise(instance.mailbox().decode())}


def local_alias(make):
    instance = make()
    instance.aliases("list: bin, daemon\nloop: loop\nfile: /dev/null\n")
    instance.start()
    send(instance, "list@local.test")
    finished(instance, "removed")
    return {"log": log_of(instance), "bin": normalise(instance.mailbox().decode()),
            "daemon": normalise(instance.mailbox("daemon").decode())}


def maildir(make):
    instance = make(virtual_mailbox_domains="box.test", virtual_mailbox_base="/", virtual_uid_maps="static:2",
                    virtual_gid_maps="static:2", virtual_minimum_uid=1)
    instance.configure(virtual_mailbox_maps=f"inline:{{a@box.test={instance.spool}/a/, b@box.test={instance.spool}/b}}")
    instance.start()
    send(instance, "a@box.test", "b@box.test")
    finished(instance, "removed")
    files = [path.read_text() for path in (instance.spool / "a" / "new").iterdir()]
    return {"log": log_of(instance), "maildir": [normalise(text) for text in files],
            "mbox": normalise((instance.spool / "b").read_text())}


def relayed(make):
    with Sink() as sink:
        instance = make(relayhost=f"[127.0.0.1]:{sink.port}").start()
        send(instance, "x@elsewhere.test", "y@elsewhere.test")
        finished(instance, "removed")
        message = sink.wait_for(1)[0]
        return {"log": log_of(instance), "content": normalise(message.content.decode()), "helo": message.helo,
                "options": [[normalise(option) for option in message.mail_options], list(message.rcpt_options)], "sender": message.sender,
                "recipients": sorted(message.recipients)}


def refused_by_peer(make):
    with Sink(RCPT=lambda address: "550 5.1.1 no such user" if address.startswith("x") else None) as sink:
        instance = make(relayhost=f"[127.0.0.1]:{sink.port}").start()
        send(instance, "x@elsewhere.test", "y@elsewhere.test", sender="bin@local.test")
        finished(instance, "removed[^$]*removed")
        return {"log": log_of(instance), "bounce": normalise(instance.mailbox().decode())}


def refused_after_data(make):
    with Sink(DATA="554 5.6.0 not wanted") as sink:
        instance = make(relayhost=f"[127.0.0.1]:{sink.port}").start()
        send(instance, "x@elsewhere.test", sender="bin@local.test")
        finished(instance, "removed[^$]*removed")
        return {"log": log_of(instance), "bounce": normalise(instance.mailbox().decode())}


def deferred_by_peer(make):
    with Sink(MAIL="450 4.3.2 not now") as sink:
        instance = make(relayhost=f"[127.0.0.1]:{sink.port}").start()
        send(instance, "x@elsewhere.test")
        finished(instance, "status=deferred")
        return {"log": log_of(instance), "mailq": said(instance, "mailq")}


def connection_refused(make):
    """The life of a message in the queue: deferred, listed, held, released, requeued, deleted."""
    instance = make(relayhost=f"[127.0.0.1]:{free_port()}").start()
    empty = said(instance, "mailq")
    empty_json = said(instance, "postqueue", "-j")
    send(instance, "x@elsewhere.test", "y@elsewhere.test")
    finished(instance, "status=deferred[^$]*status=deferred")
    wait_until(lambda: b"(" in instance.run("postqueue", "-p").stdout, "the reason in the listing")
    answer = {"log": log_of(instance), "empty": empty, "empty-json": empty_json, "deferred": said(instance, "mailq"),
              "deferred-bp": said(instance, "sendmail", "-bp"), "deferred-json": said(instance, "postqueue", "-j")}
    answer["deferred-json"]["output"] = re.sub(r'"(arrival_time|message_size)": \d+', r'"\1": N',
                                               answer["deferred-json"]["output"])
    queue_id = re.search(r"^([0-9A-Za-z]{6,})", instance.run("postqueue", "-p").stdout.decode(), re.M)[1]
    answer["hold"] = said(instance, "postsuper", "-h", queue_id)
    answer["held"] = said(instance, "mailq")
    answer["release"] = said(instance, "postsuper", "-H", queue_id)
    answer["content"] = said(instance, "postcat", "-bhq", queue_id)
    answer["requeue"] = said(instance, "postsuper", "-r", queue_id)
    answer["delete"] = said(instance, "postsuper", "-d", "ALL")
    answer["deleted"] = said(instance, "mailq")
    return answer


def discarded_and_errors(make):
    instance = make(transport_maps="inline:{{d.test=discard:nothing}, {e.test=error:5.1.2 no mail here}, "
                    "{r.test=retry:4.3.0 later}, {n.test=nosuch:}}").start()
    instance.sendmail("-f", "<>", "a@d.test", "a@e.test", "a@r.test", stdin=_MESSAGE)
    finished(instance, "status=sent", "status=bounced", "status=deferred")
    return {"log": log_of(instance), "mailq": said(instance, "mailq")}


def forwarding_loop(make):
    instance = make().start()
    send(instance, "bin@local.test", sender="daemon@local.test", message=b"Delivered-To: bin@local.test\nSubject: x\n\ntext\n")
    finished(instance, "removed[^$]*removed")
    return {"log": log_of(instance), "bounce": normalise(instance.mailbox("daemon").decode())}


def rejects_in_the_log(make):
    instance = make(mynetworks="192.0.2.0/24", smtpd_error_sleep_time="0").start()
    with instance.smtp() as client:
        client.mail("a@example.com")
        client.rcpt("nobody-here@local.test")
        client.rcpt("x@elsewhere.test")
        client.command("FOO")
        client.rset()
        client.command("VRFY nobody-here@local.test")
    finished(instance, ": disconnect from")
    with instance.smtp() as client:
        client.command("GET / HTTP/1.1")
        client.at_end()
    finished(instance, "disconnect from[^$]*disconnect from")
    client = instance.smtp()
    client.mail("a@example.com")
    client.rcpt("bin@local.test")
    client.command("DATA")
    client.send(b"Subject: half a mess")
    client.close()
    finished(instance, "disconnect from[^$]*disconnect from[^$]*disconnect from")
    return {"log": log_of(instance)}


def command_environment(make):
    """What a command of an alias finds in its environment: mail of a user, with and without ENVID, and of a client."""
    instance = make(allow_mail_to_commands="alias", default_privs="daemon")
    instance.aliases(f'cmd: "|env >>{instance.spool}/env"\n')
    instance.start()
    found = {}
    for name, act in [("user", lambda: instance.sendmail("-f", "bin@local.test", "cmd", stdin=_MESSAGE)),
                      ("envid", lambda: instance.sendmail("-f", "bin@local.test", "-V", "id7", "cmd", stdin=_MESSAGE)),
                      ("client", lambda: send(instance, "cmd@local.test")),
                      ("null sender", lambda: send(instance, "cmd@local.test", sender=""))]:
        act()
        instance.wait_for_log("delivered to command", count=len(found) + 1)
        lines = (instance.spool / "env").read_text().splitlines()
        (instance.spool / "env").unlink()
        # What master passes on is the test's, not the message's.
        found[name] = sorted(line for line in lines if not re.match(r"(_|LANG|MAIL_CONFIG|PATH|PWD|SHLVL|\w+_OPTIONS|LD_\w+)=", line))
    return found


def refused_by_header_checks(make):
    instance = make(header_checks="regexp:{{/^subject: hello/ REJECT 5.7.4 no such subject}}").start()
    instance.sendmail("-f", "bin@local.test", "daemon", "sys@local.test", stdin=_MESSAGE)
    finished(instance, r"removed")
    return {"log": [line for line in log_of(instance) if re.search(r"reject:|status=|notification", line)]}


def long_queue_ids(make):
    instance = make(enable_long_queue_ids=True).start()
    instance.sendmail("-f", "bin@local.test", "bin", stdin=b"Subject: hello\n\ntext\n")
    finished(instance, "removed")
    queue_id = re.search(r"(\w+): uid=", instance.log())[1]
    return {"message-id": re.search("message-id=(.*)", instance.log())[1].replace(queue_id, "QUEUEID")}


def debugger_command(make):
    instance = make(debugger_command="true $process_name", service_options={})
    instance.master = f"127.0.0.1:{instance.smtp_port} inet n - n - - smtpd -D\n"
    instance.write_configuration()
    instance.start()
    with instance.smtp():
        pass
    return {"log": [line for line in log_of(instance) if "running: " in line]}


def commands(make):
    """What commands say and return; the instance runs."""
    instance = make().start()
    source = instance.table("table", "a b\nkey  a value  with blanks\nUPPER lower\ndup 1\ndup 2\n")
    bad = instance.table("bad", "key-without-value\n  continued first line\n")
    calls = [
        ("postconf", "-h", "mail_name"), ("postconf", "mydestination", "myorigin"), ("postconf", "-x", "mydestination"),
        ("postconf", "no_such_parameter"), ("postconf", "-d", "mail_owner", "smtpd_timeout", "bounce_queue_lifetime"),
        ("postconf", "-y"), ("postconf", "-m", "x"), ("postconf", "-P", "x/y/z"), ("postconf", "-M", "smtp/unix"),
        ("postconf", "-M", "nosuch/unix"), ("postconf", "-F", "smtp/unix/command"), ("postconf", "-Mf", "showq/unix"),
        ("postconf", "-H", "mydestination"), ("postconf", "-p", "smtpd_timeout"), ("postconf", "-e", "broken"),
        ("postmap", "-q", "a", f"texthash:{source}"), ("postmap", "-q", "none", f"texthash:{source}"),
        ("postmap", "-q", "KEY", f"texthash:{source}"), ("postmap", "-q", "a", "texthash:/nonexistent/file"),
        ("postmap", "-q", "a", "nosuchtype:x"), ("postmap", f"lmdb:{source}"), ("postmap", f"lmdb:{bad}"),
        ("postmap", f"nosuchtype:{source}"), ("postmap", f"texthash:{source}"), ("postmap", "lmdb:/nonexistent/file"),
        ("postmap", "-q", "key", f"lmdb:{source}"), ("postmap", "-s", f"lmdb:{source}"), ("postmap", "-d", "a", f"lmdb:{source}"),
        ("postmap", "-d", "none", f"lmdb:{source}"), ("postmap", "-x"), ("postmap",), ("postmap", "-q", "a", "inline:{a=b}"),
        ("postmap", "-q", "10.1.2.3", "cidr:{{10.0.0.0/8 ten}}"), ("postmap", "-q", "x", "static:all"),
        ("postmap", "-q", "abc", "regexp:{{/^a(.)c/ $1}}"), ("postmap", "-q", "abc", "pcre:{{/^a(.)c/ ${1}!}}"),
        ("postalias", "-q", "bin", f"texthash:{source}"), ("postalias", f"lmdb:{bad}"), ("newaliases",),
        ("postqueue",), ("postqueue", "-x"), ("postqueue", "-i", "nosuch"), ("postqueue", "-i", "ABCDEF0123"),
        ("postqueue", "-s", "local.test"), ("postqueue", "-s", "elsewhere.test"), ("postqueue", "-s", "@local.test"),
        ("postqueue", "-s", "[::1]"), ("postqueue", "-s", ""), ("sendmail", "-qRelsewhere.test"), ("sendmail", "-qR"),
        ("sendmail", "-qI"), ("sendmail", "-qS1"), ("postqueue", "-f"), ("postqueue", "-p"), ("postqueue", "-j"),
        ("postsuper", "-d", "ABCDEF0123"), ("postsuper", "-d", "!"), ("postsuper", "-h", "ABCDEF0123"), ("postsuper", "-x"),
        ("postsuper",), ("postcat", "-q", "ABCDEF0123"), ("postcat", "/nonexistent"), ("postcat",),
        ("sendmail", "-x", "bin"), ("sendmail", "-bz"), ("sendmail",), ("sendmail", "-t"), ("sendmail", "-bi"),
        ("sendmail", "-bv"), ("sendmail", "-q"), ("sendmail", "-bd", "x"),
        ("postlog", "hello", "there"), ("postlog", "-p", "nosuch", "x"), ("postfix", "status"), ("postfix", "nosuch"),
        ("postfix",), ("postfix", "start"), ("postfix", "check"),
    ]
    return {" ".join(call).replace(str(instance.directory), "DIR"): said(instance, *call) for call in calls}


def watched_peers(make):
    """What smtpd and smtp log of a session with a host of debug_peer_list: the dialogue, in the order in which it was
    held. What Postfix logs of its own workings beside it is left out."""
    with Sink(RCPT=lambda address: "550 5.1.1 no such user" if address.startswith("x") else None) as sink:
        instance = make(relayhost=f"[127.0.0.1]:{sink.port}", debug_peer_list="127.0.0.0/8",
                        smtpd_discard_ehlo_keywords="chunking").start()
        with instance.smtp() as client:
            client.command("RCPT TO:<early@far.test>")
            client.command("VRFY bin")
            client.deliver("bin@local.test", ["b@far.test", "x@far.test"], _MESSAGE)
        finished(instance, "removed[^$]*removed")
    lines = [normalise(line) for line in instance.log().splitlines()]
    said = [line for line in lines if re.search(r"(smtpd?)\[PID\]: [<>] ", line)]
    return {program: [line for line in said if f"/{program}[" in line] for program in ("smtpd", "smtp")}


OPERATIONS = {function.__name__.replace("_", "-"): function for function in [
    local_delivery, local_by_sendmail, sendmail_recipients_from_header, local_unknown_bounces, local_alias, maildir,
    relayed, refused_by_peer, refused_after_data, deferred_by_peer, connection_refused, discarded_and_errors,
    forwarding_loop, rejects_in_the_log, watched_peers, command_environment, refused_by_header_checks, long_queue_ids,
    debugger_command, commands]}


def perform(name, make_instance=Instance, **more):
    """Runs one operation; instances that it made are gone afterwards."""
    made = []

    def make(**settings):
        made.append(make_instance(**settings, **more))
        return made[-1]

    try:
        return OPERATIONS[name](make)
    finally:
        for instance in made:
            instance.close()
