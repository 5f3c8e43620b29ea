"""Names of parameters: known, misspelt, the user's own, of services, of restriction classes, of tables, of the past."""
from sample import MASTER, Sample


def _spawned(name, command, more=""):
    return f"{MASTER}{name} unix - n n - - {command} {more}\n"


# main.cf texts; shown with -n, by class, and expanded.
_NAMES = {
    "misspelt": "smtpd_recipent_limit = 5\nmydestinaton = a\n",
    "unknown": "bogus = 5\n",
    "unknown refers to unknown": "bogus = $other\nother = 1\n",
    "the user's own": "mine = 5\nalways_bcc = $mine\n",
    "the user's own in a condition": "mine = 5\nalways_bcc = ${mine?x}${yours:y}\nyours = 3\n",
    "the user's own in both branches": "one = 1\ntwo = 2\nalways_bcc = ${mail_name?{$one}:{$two}}\n",
    "the user's own in an operand": "one = 1\ntwo = 2\nalways_bcc = ${{$one}=={$two}?{x}:{y}}\n",
    "the user's own through another": "one = $two\ntwo = $three\nthree = 3\nalways_bcc = $one\n",
    "the user's own in parentheses": "mine = 5\nalways_bcc = $(mine)\n",
    "the user's own behind two dollars": "mine = 5\nalways_bcc = $$mine\n",
    "the user's own in a malformed value": "mine = 5\nalways_bcc = $mine ${\n",
    "the user's own, undefined": "always_bcc = $mine\n",
    "the user's own, empty": "mine =\nalways_bcc = $mine\n",
    "the user's own, twice": "mine = 1\nmine = 2\nalways_bcc = $mine\n",
    "unused, twice": "mine = 1\nmine = 2\n",
    "restriction class": "smtpd_restriction_classes = local_only, greet\nlocal_only = permit_mynetworks, reject\n"
                         "greet = reject\n",
    "restriction class that is not listed": "smtpd_restriction_classes = local_only\nlocal_only = reject\nother = reject\n",
    "restriction class without definition": "smtpd_restriction_classes = local_only\n",
    "restriction class by name": "classes = one two\nsmtpd_restriction_classes = $classes\none = reject\ntwo = permit\n",
    "restriction class with the user's own inside": "smtpd_restriction_classes = one\none = check_client_access $where\n"
                                                    "where = static:OK\n",
    "restriction class in a condition": "smtpd_restriction_classes = ${mail_name?{one}:{two}}\none = reject\ntwo = reject\n",
    "service parameters": "slow_destination_concurrency_limit = 1\nslow_destination_rate_delay = 2s\n"
                          "slow_initial_destination_concurrency = 3\nslow_transport_rate_delay = 1s\n",
    "service parameters of another service": "fast_destination_concurrency_limit = 1\n",
    "service parameters of no transport": "policy_destination_concurrency_limit = 1\npickup_delivery_slot_cost = 3\n",
    "time limit of spawn": "policy_time_limit = 10s\n",
    "time limit of pipe": "mailman_time_limit = $command_time_limit\n",
    "time limit of no command": "slow_time_limit = 10s\nlocal_time_limit = 4s\n",
    "service parameter with a name": "limit = 3\nslow_destination_concurrency_limit = $limit\n",
    "service suffix that does not exist": "slow_destination_limit = 3\n",
    "ldap table": "alias_maps = ldap:staff\nstaff_server_host = ldap.example.com\nstaff_search_base = dc=a\n",
    "ldap table that is not used": "staff_server_host = ldap.example.com\n",
    "mysql table through proxymap": "virtual_alias_maps = proxy:mysql:accounts\naccounts_hosts = a\naccounts_user = u\n",
    "pgsql table": "virtual_alias_maps = pgsql:accounts\naccounts_hosts = a\naccounts_query = q\n",
    "sqlite table": "virtual_alias_maps = sqlite:db\ndb_dbpath = /tmp/x\ndb_query = select 1\n",
    "memcache table": "virtual_alias_maps = memcache:cache\ncache_memcache = inet:127.0.0.1:1\n",
    "table with the user's own inside": "virtual_alias_maps = ldap:staff\nstaff_server_host = $where\nwhere = x\n",
    "table by name": "table = ldap:staff\nvirtual_alias_maps = $table\nstaff_server_host = x\n",
    "table in a list": "virtual_alias_maps = hash:/a, ldap:one ldap:two\none_bind = no\ntwo_bind = no\nthree_bind = no\n",
    "table setting that does not exist": "virtual_alias_maps = ldap:staff\nstaff_nonsense = x\n",
    "table without settings": "virtual_alias_maps = hash:staff\nstaff_server_host = x\n",
    "table within pipemap": "virtual_alias_maps = pipemap:{ldap:one,mysql:two}\none_bind = no\ntwo_hosts = a\n",
    "names of the past": "virtual_maps = hash:/a\nlocal_transports = x\n",
    "names of the past that count": "virtual_maps = hash:/a\nvirtual_alias_domains = $virtual_alias_maps\n",
    "read only": "process_name = x\nalways_bcc = $process_name\n",
    "set to its default": "always_bcc =\nmail_name = Postfix\n",
    "case of a name": "Always_Bcc = x\nMail_Name = y\n",
    "stress": "stress = yes\nalways_bcc = ${stress?busy}${stress:idle}\n",
}

NAMES = {f"names: {name}": Sample(text, "-n", "-nx", "-C user")
         for name, text in _NAMES.items()}

NAMES |= {
    "names: used in master.cf only": Sample("mine = 5\n", "-n", "-C user", master=MASTER + "x unix - - - - - smtp -o always_bcc=$mine\n"),
    "names: used in master.cf, undefined": Sample("", "-n", master=MASTER + "x unix - - - - - smtp -o always_bcc=$mine\n"),
    "names: set in master.cf, unknown": Sample("", "-n", "-M x", "-P x",
                                               master=MASTER + "x unix - - - - - smtp -o bogus=1 -o always_bcc=2\n"),
    "names: set in master.cf, used there": Sample("", "-n", "-Px x", "-C user",
                                                  master=MASTER + "x unix - - - - - smtp -o mine=1 -o always_bcc=$mine\n"),
    "names: set in master.cf, used in main.cf": Sample("always_bcc = $mine\n", "-nx", "-P",
                                                       master=MASTER + "x unix - - - - - smtp -o mine=1\n"),
    "names: set in both": Sample("mine = 1\nalways_bcc = $mine\n", "-n", "-Px",
                                 master=MASTER + "x unix - - - - - smtp -o mine=2 -o myorigin=$mine\n"),
    "names: restriction class in master.cf": Sample(
        "", "-n", "-P", master=MASTER + "x inet n - - - - smtpd -o smtpd_restriction_classes=one -o one=reject\n"),
    "names: restriction class of main.cf set in master.cf": Sample(
        "smtpd_restriction_classes = one\n", "-n", "-P", master=MASTER + "x inet n - - - - smtpd -o one=reject\n"),
    "names: table of master.cf": Sample(
        "staff_bind = no\n", "-n", master=MASTER + "x inet n - - - - smtpd -o virtual_alias_maps=ldap:staff\n"),
    "names: table of master.cf set there": Sample(
        "", "-n", master=MASTER + "x inet n - - - - smtpd -o virtual_alias_maps=ldap:staff -o staff_bind=no\n"),
    "names: service parameter in master.cf": Sample(
        "", "-n", "-P", master=MASTER + "x unix - - - - - smtp -o slow_destination_rate_delay=1\n"),
    "names: service with a dash": Sample("slow-relay_destination_rate_delay = 1s\n", "-n", "-C service",
                                         master="slow-relay unix - - n - - smtp\n"),
    "names: service with a dot and digits": Sample("mx.2_time_limit = 1s\n", "-n", "-C service",
                                                   master="mx.2 unix - n n - - pipe argv=a\n"),
    "names: every delivery agent": Sample("", "-C service", "-d -C service", "-C service -h", "-C service -H", "-C service -x",
                                          master="".join(f"x{agent} unix - n n - - {agent} {'argv=a' * (agent in ('pipe', 'spawn'))}\n"
                                                         for agent in ("error", "lmtp", "local", "pipe", "spawn", "virtual", "discard",
                                                                       "smtpd", "qmgr", "postscreen", "flush"))),
    "names: service on the internet that delivers": Sample("", "-C service", master="2525 inet n - n - - lmtp\n"),
    "names: one service of two types": Sample("", "-C service", master="a unix - - n - - smtp\na inet n - n - - smtp\n"),
    "names: no services": Sample("slow_destination_rate_delay = 1s\n", "-n", "-C service", master=""),
    "names: spawn without time limit": Sample("x_time_limit = 3\ny_time_limit = 3\n", "-n", "x_time_limit y_time_limit",
                                              master=_spawned("x", "spawn", "argv=a")),
}
