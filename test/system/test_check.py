"""postfix check: each kind of finding, with its place and its remedy; what stops a start and what does not."""
import json
import os
import pathlib
import pwd
import re
import socket
import subprocess
import threading

import pytest

from support import configuration


def findings(instance):
    result = instance.run("postfix", "check", "--json", check=False)
    found = json.loads(result.stdout)
    assert result.returncode == (1 if any(entry["severity"] in ("error", "fatal") for entry in found) else 0)
    return found


def finding(instance, words):
    found = [entry for entry in findings(instance) if words in entry["text"]]
    assert len(found) == 1, json.dumps(findings(instance), indent=1)
    return found[0]


def main_cf_line(instance, parameter):
    lines = (instance.config / "main.cf").read_text().splitlines()
    return 1 + next(number for number, line in enumerate(lines) if line.startswith(f"{parameter} ="))


def at_parameter(instance, entry, parameter):
    return (entry["parameter"], entry["file"], entry["line"]) == \
        (parameter, f"{instance.config}/main.cf", main_cf_line(instance, parameter))


def severe(instance):
    """Findings of a test's instance, without what is true of the build folder."""
    return [entry for entry in findings(instance)
            if entry["severity"] != "note" and entry["parameter"] != "setgid_group"]


def test_a_sound_configuration_has_no_findings(make_instance):
    assert severe(make_instance()) == []


def test_table_that_does_not_open(make_instance):
    instance = make_instance(virtual_alias_maps="hash:/nonexistent/virtual")
    entry = finding(instance, "hash:/nonexistent/virtual: open database /nonexistent/virtual.db")
    assert entry["severity"] == "warning" and at_parameter(instance, entry, "virtual_alias_maps")
    assert entry["remedy"] == "make it with: postmap hash:/nonexistent/virtual"


def test_table_type_that_there_is_not(make_instance):
    instance = make_instance(transport_maps="nis:transport")
    assert "unsupported dictionary type: nis" in finding(instance, "nis:transport")["text"]


def test_tables_of_modules_and_with_settings_in_main_cf(make_instance):
    instance = make_instance(virtual_alias_maps="mysql:/nonexistent/users.cf, sqlite:users", users_dbpath="/nonexistent/users.db",
                             users_query="SELECT 1")
    entry = finding(instance, "mysql:/nonexistent/users.cf")
    assert "/nonexistent/users.cf: No such file or directory" in entry["text"] and "module" not in entry["text"]
    assert not [entry for entry in findings(instance) if "sqlite:users" in entry["text"]]


def test_a_bad_stale_index_action_stops_the_start(make_instance):
    instance = make_instance(stale_index_action="wran")
    entry = finding(instance, 'stale_index_action: warn, rebuild or ignore expected, not "wran"')
    assert entry["severity"] == "fatal" and at_parameter(instance, entry, "stale_index_action")


@pytest.mark.parametrize("name, value, expected", [
    ("smtp_host_lookup", "dsn", 'dns or native expected, not "dsn"'),
    ("notify_classes", "resource, sofware", '2bounce'),
    ("mailbox_delivery_lock", "", 'flock, fcntl or dotlock expected, not ""'),
    ("syslog_facility", "male", 'not "male"')])
def test_word_that_a_parameter_does_not_have(make_instance, name, value, expected):
    instance = make_instance(**{name: value})
    entry = finding(instance, f"{name}: ")
    assert expected in entry["text"] and at_parameter(instance, entry, name) and entry["severity"] == "fatal"
    assert expected in instance.run("postconf", name, check=False).stderr.decode()


def test_word_of_a_service_override(make_instance):
    instance = make_instance(service_options={"smtp/inet": {"receive_override_options": "no_address_mapping"}})
    entry = finding(instance, 'no_address_mappings, no_header_body_checks or no_milters, or nothing, expected')
    assert entry["service"] == f"127.0.0.1:{instance.smtp_port}/inet" and entry["severity"] == "error"


def test_table_of_a_service_override(make_instance):
    instance = make_instance(service_options={"smtp/inet": {"smtpd_command_filter": "texthash:/nonexistent/filter"}})
    entry = finding(instance, "texthash:/nonexistent/filter")
    assert entry["service"] == f"127.0.0.1:{instance.smtp_port}/inet" and entry["file"].endswith("master.cf")


def test_list_that_does_not_parse_stops_the_start(make_instance):
    instance = make_instance(mydestination="local.test, inline:{{a=b}")
    assert any(entry["severity"] == "fatal" for entry in findings(instance))
    assert instance.run("postfix", "start", check=False).returncode == 1
    instance.expect_problem("mydestination|repair what is said above")


def test_restriction_that_is_misspelt(make_instance):
    instance = make_instance(smtpd_recipient_restrictions="permit_mynetwork, reject_unauth_destination")
    entry = finding(instance, 'unknown smtpd restriction: "permit_mynetwork" (did you mean permit_mynetworks?)')
    assert entry["severity"] == "warning" and at_parameter(instance, entry, "smtpd_recipient_restrictions")


def test_restriction_of_a_service_override(make_instance):
    instance = make_instance(service_options={"smtp/inet": {"smtpd_client_restrictions": "no_such_thing"}})
    entry = finding(instance, "no_such_thing")
    assert entry["file"] == f"{instance.config}/master.cf" and entry["parameter"] == "smtpd_client_restrictions"


def test_smtp_server_that_would_be_an_open_relay(make_instance):
    instance = make_instance(smtpd_relay_restrictions="permit_mynetworks", smtpd_recipient_restrictions="permit")
    entry = finding(instance, "will not start")
    assert "specify at least one working instance of" in entry["text"] and entry["severity"] == "error"


@pytest.mark.parametrize("first, second", [("mydestination", "virtual_mailbox_domains"),
                                           ("mydestination", "virtual_alias_domains"),
                                           ("virtual_alias_domains", "virtual_mailbox_domains"),
                                           ("virtual_mailbox_domains", "relay_domains")])
def test_domain_in_two_classes(make_instance, first, second):
    instance = make_instance(**{"virtual_alias_domains": "", "relay_domains": ""} |
                             {first: "twice.test, $myhostname, once.test", second: "inline:{{twice.test=x}}"})
    entry = finding(instance, f"domain twice.test is also in {first}")
    assert at_parameter(instance, entry, second)
    assert not [other for other in findings(instance) if "once.test" in other["text"]]


def test_domain_of_mydestination_may_be_in_relay_domains(make_instance):
    assert severe(make_instance(relay_domains="$mydestination")) == []


@pytest.mark.parametrize("relayhost, words", [("[gateway.test", "has no closing bracket"),
                                              ("[]:25", "has no host between its brackets"),
                                              ("gateway.test:", "has no valid port"),
                                              ("[gateway.test]25", "something else than a port behind its bracket"),
                                              ("smtp:[gateway.test]:25", "neither a host name nor an address"),
                                              ("[gateway.test] # old", "\"#\" has neither a host name nor an address"),
                                              ("gateway.test:99999", "has no valid port")])
def test_relayhost_that_cannot_be_understood(make_instance, relayhost, words):
    instance = make_instance(relayhost=relayhost)
    assert at_parameter(instance, finding(instance, words), "relayhost")


def test_good_relayhosts(make_instance):
    instance = make_instance()
    for relayhost in ["gateway.test", "[gateway.test]", "[192.0.2.1]:587", "[gateway.test]:submission", "gateway.test:25"]:
        instance.configure(relayhost=relayhost)
        assert severe(instance) == [], relayhost


def test_transport_without_a_service(make_instance):
    instance = make_instance(default_transport="nosuch:")
    assert at_parameter(instance, finding(instance, "master.cf has no service nosuch"), "default_transport")


def test_row_of_transport_maps_without_a_service(make_instance):
    table = "inline:{{a.test=nosuch:x}{b.test=smtp:[c.test}{d.test=smtp:[e.test]}{f.test=error:5.1.1 no mail}}"
    instance = make_instance(transport_maps=table)
    assert 'row "a.test"' in finding(instance, "master.cf has no service nosuch")["text"]
    assert 'row "b.test"' in finding(instance, "has no closing bracket")["text"]
    assert len(severe(instance)) == 2


def make_certificate(directory, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "90", "-subj", "/CN=mail.local.test",
                    "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.pem"],
                   check=True, capture_output=True)


def test_certificates_and_keys(make_instance):
    instance = make_instance()
    make_certificate(instance.directory, "a")
    make_certificate(instance.directory, "b")
    directory = instance.directory

    def problems(cert, key):
        instance.configure(smtpd_tls_cert_file=cert, smtpd_tls_key_file=key)
        return [entry["text"] for entry in findings(instance) if entry["remedy"] == "without it there is no TLS"]

    assert problems(directory / "a.pem", directory / "a.key") == []
    assert problems(directory / "a.pem", directory / "b.key") == \
        [f"{directory}/b.key: this key does not belong to the certificate in {directory}/a.pem"]
    assert "No such file" in problems("/nonexistent/cert.pem", directory / "a.key")[0]
    assert "no certificate in PEM form" in problems(directory / "a.key", directory / "a.key")[0]


def test_port_in_use_stops_the_start(make_instance):
    instance = make_instance()
    with socket.create_server(("127.0.0.1", instance.smtp_port)):
        entry = finding(instance, "Address already in use")
        assert entry["severity"] == "fatal" and entry["service"] == f"127.0.0.1:{instance.smtp_port}/inet"
        assert f"sport = :{instance.smtp_port}" in entry["remedy"]
        assert instance.run("postfix", "start", check=False).returncode == 1
    instance.expect_problem("Address already in use|repair what is said above")
    assert severe(instance) == []


def test_start_waits_for_a_port_that_is_free_soon(make_instance):
    instance = make_instance()
    with socket.create_server(("127.0.0.1", instance.smtp_port)) as holder:
        free = threading.Timer(1, holder.close)
        free.start()
        instance.start()
    free.join()


def test_two_services_want_the_same_port(make_instance):
    instance = make_instance()
    instance.configure(inet_interfaces="127.0.0.1")
    with (instance.config / "master.cf").open("a") as master:
        master.write(f"{instance.smtp_port} inet n - n - - discard\n")
    entry = finding(instance, "Address already in use")
    assert entry["severity"] == "fatal" and entry["service"] == f"{instance.smtp_port}/inet"


def test_ports_are_not_looked_at_while_the_mail_system_runs(make_instance):
    instance = make_instance().start()
    assert severe(instance) == []


def test_program_of_master_cf_that_does_not_exist(make_instance):
    instance = make_instance(master="odd unix - - n - - nosuchd\n")
    entry = finding(instance, "nosuchd: No such file or directory")
    assert entry["service"] == "odd/unix" and entry["severity"] == "warning" and entry["line"] > 0


def leave_out(instance, service):
    """Takes a line out of the instance's master.cf."""
    file = instance.config / "master.cf"
    file.write_text(re.sub(rf"^{service} +unix .*\n", "", file.read_text(), flags=re.M))


@pytest.mark.parametrize("service, user, words", [
    ("qmgr", "pickup/unix", "it needs: no mail is accepted or delivered"),
    ("pickup", "qmgr/unix", "sendmail(1) needs: mail of the programs of this machine waits in maildrop"),
    ("showq", "qmgr/unix", "postqueue(1) needs: users cannot list the queue"),
    ("bounce", "qmgr/unix", "it needs: mail that cannot be delivered stays in the queue"),
    ("defer", "qmgr/unix", "it needs: nobody is told why mail waits"),
    ("trace", "qmgr/unix", "it needs: reports of success"),
    ("error", "qmgr/unix", "it needs: mail for recipients that do not exist waits"),
    ("cleanup", "local/unix", "it needs: mail that aliases and .forward files send on waits"),
    ("flush", "/inet", "it needs: ETRN"),
    ("anvil", "/inet", "it needs: clients are served without limits")])
def test_service_that_others_need_and_that_is_missing(make_instance, service, user, words):
    instance = make_instance()
    leave_out(instance, service)
    entry = finding(instance, f"master.cf has no service {service}, which {words}")
    assert (entry["severity"], entry["file"]) == ("warning", f"{instance.config}/master.cf")
    assert entry["service"].endswith(user)
    with (instance.config / "master.cf").open("a") as master:
        master.write(entry["remedy"].removeprefix("add the line: ") + "\n")
    assert severe(instance) == []


def test_service_that_nobody_needs_may_be_missing(make_instance):
    instance = make_instance(local_transport="virtual:")
    for service in ("cleanup", "local"):
        leave_out(instance, service)
    assert severe(instance) == []


def test_service_that_has_another_name(make_instance):
    instance = make_instance(bounce_service_name="returns", master="returns unix - - n - 0 bounce\n")
    leave_out(instance, "bounce")
    assert severe(instance) == []
    instance = make_instance(service_options={"smtp/unix": {"trace_service_name": "tracing"}})
    entry = finding(instance, "master.cf has no service tracing")
    assert entry["service"] == "smtp/unix"
    instance.start().reload()
    instance.wait_for_log("warning: .*/master.cf, line .*: service smtp/unix: master.cf has no service tracing", count=2)


def test_user_of_pipe_that_does_not_exist(make_instance):
    instance = make_instance(master="filter unix - n n - - pipe user=nosuchuser argv=/bin/true\n")
    entry = finding(instance, "user=nosuchuser")
    assert entry["service"] == "filter/unix" and "its mail waits" in entry["text"] and entry["severity"] == "warning"
    user = configuration.local_user()
    instance = make_instance(master=f"filter unix - n n - - pipe user={user} argv=/bin/true\n")
    assert severe(instance) == []


def test_directory_with_wrong_owner_or_mode(make_instance):
    instance = make_instance()
    instance.run("postfix", "check")
    (instance.queue / "hold").chmod(0o777)
    entry = finding(instance, f"group or other writable: {instance.queue}/hold")
    assert entry["severity"] == "warning" and entry["remedy"] == f"correct it with: chmod 700 {instance.queue}/hold"


@pytest.mark.parametrize("command", ["check", "start", "start-fg", "status", "stop", "reload", "flush", "abort"])
@pytest.mark.parametrize("name", ["x", "parent/x"])
def test_queue_directory_that_does_not_exist_is_not_made(make_instance, command, name):
    """A slip in its name would start an empty queue beside the real one."""
    instance = make_instance()
    queue = instance.directory / name
    instance.configure(queue_directory=queue)
    result = instance.run("postfix", command, check=False)
    instance.expect_problem("queue_directory")
    assert result.returncode == 1
    assert [line for line in result.stderr.decode().splitlines() if "setgid_group" not in line] == [
        f"postfix/postfix-script: fatal: {instance.config}/main.cf, line {main_cf_line(instance, 'queue_directory')}: "
        f"queue_directory {queue}: No such file or directory; correct its name, or make it with: mkdir -p -m 755 {queue}"]
    assert not (instance.directory / name.split("/", maxsplit=1)[0]).exists()


def test_queue_directory_that_does_not_exist_is_a_finding(make_instance):
    instance = make_instance()
    instance.configure(queue_directory=instance.directory / "x")
    entry = finding(instance, "queue_directory")
    assert entry["severity"] == "fatal" and at_parameter(instance, entry, "queue_directory")
    subprocess.run(entry["remedy"].split(": ")[1].split(), check=True)
    assert severe(instance) == [] and (instance.directory / "x" / "maildrop").exists()


def test_programs_without_set_gid(make_instance):
    if os.getuid():
        assert not [entry for entry in findings(make_instance()) if entry["parameter"] == "setgid_group"]
        return
    instance = make_instance()
    for command, loss in [("postdrop", "users cannot send mail"), ("postqueue", "users cannot list the queue"),
                          ("postlog", "users cannot write to the mail log")]:
        entry = finding(instance, f"{command} does not run with the group")
        assert entry["text"].endswith(f": {loss}") and "chmod 2755" in entry["remedy"]


def test_override_with_a_bad_value_is_an_error(make_instance):
    instance = make_instance(service_options={"smtp/inet": {"smtpd_timeout": "soon"}})
    entry = finding(instance, "smtpd_timeout")
    assert entry["file"] == f"{instance.config}/master.cf" and entry["severity"] == "error"


@pytest.mark.parametrize("name, value, expected, fallback", [
    ("smtp_destination_concurrency_limit", "many", "many", "default_destination_concurrency_limit = 20"),
    ("relay_destination_rate_delay", "1y", "1y", "default_destination_rate_delay = 0s"),
    ("virtual_recipient_refill_delay", "soon", "soon", "default_recipient_refill_delay = 5s"),
    ("smtp_destination_concurrency_negative_feedback", "2", "2",
     "default_destination_concurrency_negative_feedback = 1")])
def test_setting_of_a_transport_with_a_wrong_value(make_instance, name, value, expected, fallback):
    instance = make_instance(**{name: value})
    entry = finding(instance, name)
    assert entry["severity"] == "warning" and at_parameter(instance, entry, name) and f'"{expected}"' in entry["text"]
    assert entry["remedy"] == f"until it is corrected, {fallback} counts"


def test_feedback_of_all_transports_with_a_wrong_value(make_instance):
    name = "default_destination_concurrency_positive_feedback"
    instance = make_instance(**{name: "1/many"})
    entry = finding(instance, 'found "1/many"')
    assert entry["severity"] == "warning" and at_parameter(instance, entry, name)
    assert entry["remedy"] == "until it is corrected, 1 counts"


def test_settings_of_transports_that_are_options_of_the_queue_manager(make_instance):
    instance = make_instance(service_options={"qmgr/unix": {"smtp_destination_rate_delay": "1y"}})
    entry = finding(instance, "smtp_destination_rate_delay")
    assert entry["file"] == f"{instance.config}/master.cf"
    instance.configure(nosuch_destination_rate_delay="1y")
    assert not [other for other in findings(instance) if "nosuch_destination_rate_delay: a" in other["text"]]


def test_time_limit_of_a_pipe_with_a_wrong_value(make_instance):
    user = configuration.local_user()
    instance = make_instance(master=f"filter unix - n n - - pipe user={user} argv=/bin/true\n", filter_time_limit="1y")
    entry = finding(instance, "filter_time_limit")
    assert entry["severity"] == "error" and at_parameter(instance, entry, "filter_time_limit")
    assert "service filter/unix does not start" in entry["remedy"]


def test_the_queue_manager_says_what_counts_instead_of_a_wrong_value(make_instance):
    instance = make_instance(local_destination_rate_delay="1y", local_destination_concurrency_positive_feedback="2",
                             default_destination_concurrency_negative_feedback="much").start()
    instance.sendmail("-f", "ann@local.test", instance.user, stdin="Subject: s\n\nhello\n")
    instance.wait_for_mailbox(b"hello")
    place = rf"transport local: {instance.config}/main.cf, line \d+: "
    for name, instead in [("local_destination_rate_delay", "default_destination_rate_delay = 0s"),
                          ("local_destination_concurrency_positive_feedback",
                           "default_destination_concurrency_positive_feedback = 1"),
                          ("default_destination_concurrency_negative_feedback", "1")]:
        instance.wait_for_log(rf"qmgr\[\d+\]: warning: {place}{name}: .*; {instead} counts instead")


def test_error_of_one_service_does_not_keep_the_others_down(make_instance):
    instance = make_instance(master="other unix - - n - - smtp -o smtp_connect_timeout=soon\n").start()
    instance.expect_problem("smtp_connect_timeout")
    instance.wait_for_log(r"error: .*service other/unix: .*smtp_connect_timeout")
    with instance.smtp() as client:
        assert client.ehlo()[0] == 250


def test_a_user_of_pipe_that_does_not_exist_stops_no_reload(make_instance):
    """Stock master.cf files have such lines; Postfix reloads."""
    instance = make_instance(master="filter unix - n n - - pipe user=nosuchuser argv=/bin/true\n").start()
    instance.wait_for_log(r"warning: .*service filter/unix: user=nosuchuser: .*; its mail waits")
    instance.reload()
    instance.wait_for_log(r"reload -- version")


@pytest.mark.skipif(os.getuid() != 0, reason="accounts count as root only")
def test_commands_never_have_the_rights_of_the_mail_system(make_instance):
    """As pipe(8) of Postfix words it."""
    owner, group = configuration.MAIL_OWNER, configuration.SETGID_GROUP
    instance = make_instance(master="".join(f"p{number} unix - n n - - pipe user={user} argv=/bin/true\n" for number, user in
                                            enumerate([owner, f"bin:{group}", "bin:root", "bin", f"bin:{owner}"])))
    found = {entry["service"]: entry["text"] for entry in findings(instance) if "user=" in entry["text"]}
    assert found["p0/unix"] == f"user={owner}: specifies mail system owner {owner}; its mail waits"
    assert f"specifies mail system {group} group id" in found["p1/unix"]
    assert "specifies privileged group id 0" in found["p2/unix"]
    assert f"specifies mail system owner {owner} group id" in found["p4/unix"]
    assert "p3/unix" not in found


@pytest.mark.skipif(os.getuid() != 0, reason="accounts count as root only")
@pytest.mark.parametrize("parameter, value, words", [
    ("default_privs", configuration.MAIL_OWNER, "has the rights of mail system owner"),
    ("default_privs", "root", "has the rights of root privileges"),
    ("setgid_group", "root", "group root has privileged group ID"),
    ("setgid_group", configuration.MAIL_OWNER, "have the same group ID"),
    ("mail_owner", "root", "user root has privileged user ID")])
def test_accounts_that_must_differ(make_instance, parameter, value, words):
    instance = make_instance(**{parameter: value})
    entry = finding(instance, words)
    assert entry["severity"] == "fatal" and at_parameter(instance, entry, parameter)


def test_a_file_of_a_list_that_cannot_be_read(make_instance):
    instance = make_instance(relay_domains="here.test, !/nonexistent/list")
    entry = finding(instance, "/nonexistent/list")
    assert entry["severity"] == "error" and at_parameter(instance, entry, "relay_domains")


def test_names_that_nobody_defines(make_instance):
    entry = finding(make_instance(relayhost="$relayhosst"), "undefined parameter: relayhosst")
    assert entry["severity"] == "warning" and entry["line"] > 0


def test_compatibility_level_that_is_none(make_instance):
    instance = make_instance(compatibility_level="3.x")
    entry = finding(instance, 'malformed compatibility level syntax: "3.x"')
    assert at_parameter(instance, entry, "compatibility_level")
    assert len([each for each in findings(instance) if each["severity"] == "fatal"]) == 1


def test_a_running_system_does_not_hide_a_port_that_does_not_exist(make_instance):
    instance = make_instance().start()
    instance.master = "submision inet n - n - - smtpd\n"
    instance.write_configuration()
    assert finding(instance, 'unknown port')["severity"] == "fatal"
    assert instance.run("postfix", "reload", check=False).returncode == 1
    instance.expect_problem("unknown port|nothing is reloaded")


def test_each_broken_line_of_main_cf_is_a_finding(make_instance):
    instance = make_instance()
    lines = len((instance.config / "main.cf").read_text().splitlines())
    with (instance.config / "main.cf").open("a") as main_cf:
        main_cf.write("first\n= second\n")
    found = findings(instance)
    assert [(entry["severity"], entry["file"], entry["line"]) for entry in found] == \
        [("fatal", f"{instance.config}/main.cf", lines + 1), ("fatal", f"{instance.config}/main.cf", lines + 2)]
    (instance.config / "main.cf").unlink()
    assert [entry["severity"] for entry in findings(instance)] == ["fatal"]


def test_options_of_the_rewrite_line_are_those_of_all(make_instance):
    instance = make_instance(master="rewrite unix - - n - - trivial-rewrite -o resolve_null_domain=maybe\n")
    found = [entry for entry in findings(instance) if "resolve_null_domain" in entry["text"]]
    assert [(entry["severity"], entry["service"]) for entry in found][0] == ("fatal", "rewrite/unix")
    assert instance.run("postfix", "start", check=False).returncode == 1
    instance.expect_problem("resolve_null_domain|repair what is said above")


def test_a_broken_line_that_all_go_by_is_said_once(make_instance):
    instance = make_instance(master="rewrite unix - - n - = trivial-rewrite -o virtual_mailbox_domains=\n",
                             mydestination="a.test", virtual_mailbox_domains="a.test")
    assert len(severe(instance)) == 1, severe(instance)


def test_a_broken_main_cf_is_named_in_the_log_by_all_that_read_it(make_instance):
    instance = make_instance().start()
    instance.wait_for_log("daemon started")     # postlogd runs
    with (instance.config / "main.cf").open("a") as main_cf:
        main_cf.write("myorigin local.test\n")
    instance.expect_problem("missing '='|throttling|exit status")
    result = instance.run("postfix", "reload", check=False)
    assert result.returncode == 1 and b"nothing is reloaded" in result.stderr
    with socket.create_connection(("127.0.0.1", instance.smtp_port)):
        instance.wait_for_log(r"smtpd\[\d+\]: fatal: .*main\.cf, line \d+: missing '='")
    assert "postfix-script" in [line for line in instance.log().splitlines() if "nothing is reloaded" in line][0]
    instance.write_configuration()      # it could not be stopped


def test_a_broken_line_of_master_cf_hides_no_restriction(make_instance):
    instance = make_instance(smtpd_recipient_restrictions="permit_mynetworks, reject_nosuch", master="broken line\n")
    assert finding(instance, "reject_nosuch")["parameter"] == "smtpd_recipient_restrictions"


def test_options_of_the_cleanup_line_are_those_of_all(make_instance):
    instance = make_instance(master="cleanup unix n - n - 0 cleanup -o message_size_limit=big\n")
    found = [entry for entry in findings(instance) if "message_size_limit" in entry["text"]]
    assert (found[0]["severity"], found[0]["service"]) == ("fatal", "cleanup/unix")


def test_an_error_of_another_kind_hides_no_restriction(make_instance):
    """What is wrong with a table of the service is one thing, what is wrong with its restrictions another."""
    instance = make_instance(service_options={"smtp/inet": {
        "virtual_alias_maps": "hsah:/none", "smtpd_sender_restrictions": "reject_nosuch"}})
    assert finding(instance, "hsah")["service"].endswith("/inet")
    assert finding(instance, "reject_nosuch")["service"].endswith("/inet")


def test_reload_with_an_error_changes_nothing(make_instance):
    instance = make_instance(smtpd_banner="$myhostname old").start()
    with instance.smtp():
        pass  # there is a process now
    instance.configure(smtpd_banner="$myhostname new", smtpd_relay_restrictions="permit_mynetworks")
    result = instance.run("postfix", "reload", check=False)
    assert result.returncode == 1
    assert "the processes that run keep their old settings: repair what is said above first" in result.stderr.decode()
    instance.expect_problem("will not start|keep their old settings")
    with socket.create_connection(("127.0.0.1", instance.smtp_port)) as client:
        assert client.recv(1000).endswith(b" old\r\n")


def test_mynetworks_with_host_bits(make_instance):
    instance = make_instance(mynetworks="127.0.0.1/8")
    entry = finding(instance, "perhaps you should use")
    assert entry["severity"] == "error" and at_parameter(instance, entry, "mynetworks")
    assert entry["remedy"] == "until it is corrected, clients are answered 451"


def test_restriction_with_a_table_of_an_unknown_type(make_instance):
    instance = make_instance(
        smtpd_sender_restrictions="check_sender_access hsah:/etc/postfix/access, check_sender_access hash:/nonexistent/access",
        smtpd_restriction_classes="class", smtpd_helo_restrictions="class", **{"class": "check_helo_access /nonexistent/helo"})
    entry = finding(instance, "unsupported dictionary type: hsah")
    assert at_parameter(instance, entry, "smtpd_sender_restrictions") and entry["severity"] == "warning"
    assert entry["text"].startswith("restriction check_sender_access: hsah:/etc/postfix/access: ")
    assert at_parameter(instance, finding(instance, "check_helo_access: /nonexistent/helo: "), "class")
    finding(instance, "hash:/nonexistent/access")


@pytest.mark.parametrize("name, value, severity, words", [
    ("import_environment", "TZ {A=b", "fatal", "missing '}' in \"{A=b\""),
    ("export_environment", "TZ {A b}", "error", 'name=value expected in "{A b}"'),
    ("bounce_template_file", "/nonexistent/bounce.cf", "error", "/nonexistent/bounce.cf: No such file"),
    ("maillog_file_permissions", "rw-r--r--", "error", "an octal number such as 0600 expected"),
    ("default_privs", "nosuchuser", "warning", "nosuchuser"),
    ("compatibility_level", "99", "warning", "the newest level of this release is ")])
def test_value_that_one_program_reads_in_its_own_way(make_instance, name, value, severity, words):
    instance = make_instance(**{name: value})
    entry = finding(instance, words)
    assert entry["severity"] == severity and at_parameter(instance, entry, name)
    if severity == "fatal":
        assert instance.run("postfix", "start", check=False).returncode == 1
        instance.expect_problem("import_environment|repair what is said above")


def test_broken_lines_of_master_cf_are_all_named_and_nothing_untrue_is_said(make_instance):
    instance = make_instance(transport_maps="inline:{{a.test=other:}}", virtual_alias_maps="hash:/nonexistent/virtual")
    lines = (instance.config / "master.cf").read_text().splitlines()
    with (instance.config / "master.cf").open("a") as master:
        master.write("other unix - - n - - \nthird unixx - - n - - smtp\n")
    broken = [entry for entry in severe(instance) if entry["severity"] == "fatal"]
    assert [(entry["line"], entry["file"]) for entry in broken] == \
        [(len(lines) + 1, f"{instance.config}/master.cf"), (len(lines) + 2, f"{instance.config}/master.cf")]
    assert "bad field count" in broken[0]["text"] and "unixx" in broken[1]["text"]
    finding(instance, "hash:/nonexistent/virtual")
    assert len(severe(instance)) == 3
    assert instance.run("postfix", "start", check=False).returncode == 1
    instance.expect_problem("master.cf|repair what is said above")


def test_broken_lines_of_main_cf_are_all_named(make_instance):
    instance = make_instance()
    lines = (instance.config / "main.cf").read_text().splitlines()
    with (instance.config / "main.cf").open("a") as main_cf:
        main_cf.write("first\n= second\n")
    instance.expect_problem("missing")
    text = instance.run("postfix", "check", check=False).stderr.decode()
    assert f"main.cf, line {len(lines) + 1}: missing '=' after attribute name: \"first\"" in text
    assert f"main.cf, line {len(lines) + 2}: missing attribute name: \"= second\"" in text


def test_warnings_do_not_stop_the_start_and_are_logged(make_instance):
    instance = make_instance(virtual_alias_maps="hash:/nonexistent/virtual", relayhost="[gateway.test").start()
    instance.wait_for_log(r"warning: .*main.cf, line \d+: virtual_alias_maps: hash:/nonexistent/virtual: .*"
                          r"make it with: postmap hash:/nonexistent/virtual")
    instance.wait_for_log(r"warning: .*relayhost: .*has no closing bracket")


def test_findings_as_text_name_file_line_and_remedy(make_instance):
    instance = make_instance(relayhost="[gateway.test")
    text = instance.run("postfix", "check").stderr.decode()
    line = main_cf_line(instance, "relayhost")
    assert f"warning: {instance.config}/main.cf, line {line}: relayhost: [gateway.test: \"[gateway.test\" has no closing " \
           "bracket; mail for it waits; correct it: host, [host] or [host]:port" in text
    assert pathlib.Path(instance.queue).is_dir()
