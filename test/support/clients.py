"""One instance with many SMTP and LMTP clients, each with other settings: mail for NAME.test goes through the transport
NAME to its own port, so that all of them are there at once.

    clients = Clients(make_shared_instance, {"smtp-impatient": {"smtp_helo_timeout": "1s"}})
    with clients.server("smtp-impatient") as server:
        assert "status=sent" in clients.deliver("smtp-impatient")
"""
from support.configuration import services_text
from support.ports import free_port
from support.scripted_server import ScriptedServer

BODY = b"Subject: x\r\n\r\nhello\r\n"
DIALECTS = ["smtp", "lmtp"]


class Clients:
    """The instance, and the port that each transport goes to.

    settings: {"smtp-NAME" or "lmtp-NAME": {parameter: value}}, routes: {NAME: nexthop}; "{port}" in either is the
    transport's port. Other keywords are main.cf parameters.
    """

    def __init__(self, make_shared_instance, settings, routes=None, **parameters):
        routes = routes or {}
        self.ports = {name: free_port() for name in settings}
        lines = "".join(f"{name}.test {name}:{self.filled_in(routes.get(name[5:], '[127.0.0.1]:{port}'), name)}\n"
                        for name in settings)
        environment = "MAIL_CONFIG ASAN_OPTIONS UBSAN_OPTIONS RES_OPTIONS=timeout:1"
        self.instance = make_shared_instance(**{"import_environment": environment} | parameters)
        self.instance.configure(transport_maps=f"texthash:{self.instance.table('routes', lines)}")
        for dialect in DIALECTS:
            services = {name: {parameter: self.filled_in(str(value), name) if "{port}" in str(value) else value
                               for parameter, value in own.items()}
                        for name, own in settings.items() if name.startswith(dialect)}
            self.instance.master += services_text(f"unix - - n - - {dialect}", services)
        self.instance.write_configuration()
        self.instance.start()

    def filled_in(self, text, name):
        return text.replace("{port}", str(self.ports[name]))

    def server(self, name, **options):
        """The server that this transport finds."""
        return ScriptedServer(port=self.ports[name], lmtp=name.startswith("lmtp"), **options)

    def send(self, name, user="x", body=BODY, sender=""):
        with self.instance.smtp() as client:
            return client.deliver(sender, f"{user}@{name}.test", body)

    def line(self, queue_id):
        """What the log says of the delivery."""
        return self.instance.wait_for_log(rf"{queue_id}: (to=.*)$").group(1)

    def deliver(self, name, user="x", body=BODY):
        return self.line(self.send(name, user, body))
