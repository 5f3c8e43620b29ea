// router_test.cc — classes, transports and nexthops with tables that are written into the parameters.
#include "routing/router.h"

#include "base/trace_record.h"
#include "net/tasks.h"
#include "routing/content_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace posthaste::routing {
namespace {

std::unique_ptr<Router> router(const std::string& settings)
{
    const std::string base = "myhostname = mail.example.com\n"
                             "mydomain = example.com\n"
                             "mydestination = example.com, mail.example.com, localhost\n"
                             "inet_interfaces = 127.0.0.1\n"
                             "local_recipient_maps =\n";
    auto config = config::load_text(base + settings, "main.cf", {});
    EXPECT_TRUE(config) << config.error().text();
    auto made = Router::open(*config);
    EXPECT_TRUE(made) << made.error().text();
    return std::move(*made);
}

Route resolved(Router& router, const std::string& recipient, const std::string& sender = "s@sender.test")
{
    auto route = net::run_until_done(router.resolve(sender, recipient));
    EXPECT_TRUE(route) << route.error().text();
    return *route;
}

std::string path(const Route& route) { return route.transport + ":" + route.nexthop + " " + route.recipient; }

RecipientStatus checked(Router& router, const std::string& recipient)
{
    auto status = net::run_until_done(router.check_recipient(recipient, resolved(router, recipient)));
    EXPECT_TRUE(status) << status.error().text();
    return *status;
}

TEST(Router, gives_each_class_its_transport)
{
    auto r = router("virtual_alias_domains = alias.test\n"
                    "virtual_mailbox_domains = box.test\n"
                    "relay_domains = relay.test\n"
                    "relayhost = [gateway.test]:2525\n");
    EXPECT_EQ(path(resolved(*r, "u@example.com")), "local:mail.example.com u@example.com");
    EXPECT_EQ(path(resolved(*r, "u@[127.0.0.1]")), "local:mail.example.com u@[127.0.0.1]");
    EXPECT_EQ(path(resolved(*r, "u@alias.test")), "error:5.1.1 User unknown in virtual alias table u@alias.test");
    EXPECT_EQ(path(resolved(*r, "u@Box.Test")), "virtual:Box.Test u@Box.Test");
    EXPECT_EQ(path(resolved(*r, "u@relay.test")), "relay:[gateway.test]:2525 u@relay.test");
    EXPECT_EQ(path(resolved(*r, "u@sub.relay.test")), "relay:[gateway.test]:2525 u@sub.relay.test");
    EXPECT_EQ(path(resolved(*r, "u@remote.test")), "smtp:[gateway.test]:2525 u@remote.test");
    EXPECT_EQ(resolved(*r, "u@sub.relay.test").address_class, AddressClass::Relay);
    EXPECT_EQ(resolved(*r, "u@[192.0.2.9]").address_class, AddressClass::Default);
}

TEST(Router, takes_the_recipient_domain_as_nexthop_without_relayhost)
{
    auto r = router("");
    EXPECT_EQ(path(resolved(*r, "u@Remote.TEST")), "smtp:Remote.TEST u@Remote.TEST");
    EXPECT_EQ(path(resolved(*r, "u@[192.0.2.9]")), "smtp:[192.0.2.9] u@[192.0.2.9]");
}

TEST(Router, searches_transport_maps_from_the_address_to_the_wildcard)
{
    auto r = router("recipient_delimiter = +\n"
                    "transport_maps = inline:{ {u+x@a.test=one:} {u@a.test=two:[n]} {a.test=three:n3} "
                    "{.a.test=:[n4]:26} {*=any:} {keep.test=:} {no.test=error:} {later.test=retry:} }\n"
                    "virtual_alias_domains = alias.test\n");
    EXPECT_EQ(path(resolved(*r, "u+x@a.test")), "one:a.test u+x@a.test");
    EXPECT_EQ(path(resolved(*r, "u+y@a.test")), "two:[n] u+y@a.test");
    EXPECT_EQ(path(resolved(*r, "v@a.test")), "three:n3 v@a.test");
    EXPECT_EQ(path(resolved(*r, "v@sub.a.test")), "smtp:[n4]:26 v@sub.a.test");
    EXPECT_EQ(path(resolved(*r, "v@b.test")), "any:b.test v@b.test");
    EXPECT_EQ(path(resolved(*r, "v@keep.test")), "smtp:keep.test v@keep.test");
    EXPECT_EQ(path(resolved(*r, "v@no.test")), "error:Address is undeliverable v@no.test");
    EXPECT_EQ(path(resolved(*r, "v@later.test")), "retry:Address is undeliverable v@later.test");
    EXPECT_EQ(resolved(*r, "v@alias.test").transport, "error");
}

TEST(Router, lets_the_sender_choose_transport_and_relayhost)
{
    auto r = router("relayhost = [all.test]\n"
                    "sender_dependent_relayhost_maps = inline:{ {@own.test=[own.test]} {x@own.test=DUNNO} "
                    "{<>=[null.test]} }\n"
                    "sender_dependent_default_transport_maps = inline:{ {t@own.test=slow:} }\n");
    EXPECT_EQ(path(resolved(*r, "u@r.test", "a@own.test")), "smtp:[own.test] u@r.test");
    EXPECT_EQ(path(resolved(*r, "u@r.test", "x@own.test")), "smtp:[all.test] u@r.test");
    EXPECT_EQ(path(resolved(*r, "u@r.test", "")), "smtp:[null.test] u@r.test");
    EXPECT_EQ(path(resolved(*r, "u@r.test", "t@own.test")), "slow:[own.test] u@r.test");
    EXPECT_EQ(path(resolved(*r, "u@example.com", "a@own.test")), "local:mail.example.com u@example.com");
}

TEST(Router, unwraps_local_domains_and_tells_of_routes_beyond_the_next_system)
{
    auto r = router("");
    for (const char* address :
         {"u%remote.test@example.com", "remote.test!u@example.com", "u@remote.test@example.com"}) {
        Route route = resolved(*r, address);
        EXPECT_EQ(path(route), "smtp:remote.test u@remote.test") << address;
        EXPECT_FALSE(route.sender_routed) << address;
    }
    EXPECT_FALSE(resolved(*r, "u@example.com").sender_routed);
    for (const char* address :
         {"u%x@remote.test", "x!u@remote.test", "u@x@remote.test", "u%@remote.test", "u%x%remote.test@example.com"})
        EXPECT_TRUE(resolved(*r, address).sender_routed) << address;
    auto strict = router("allow_percent_hack = no\nswap_bangpath = no\nresolve_dequoted_address = no\n");
    EXPECT_EQ(path(resolved(*strict, "u%remote.test@example.com")), "local:mail.example.com u%remote.test@example.com");
    EXPECT_EQ(path(resolved(*strict, "u@remote.test@example.com")), "local:mail.example.com u@remote.test@example.com");
}

TEST(Router, completes_what_a_local_part_holds)
{
    auto r = router("append_dot_mydomain = yes\n");
    EXPECT_EQ(path(resolved(*r, "u%host@example.com")), "relay:host.example.com u@host.example.com");
    EXPECT_EQ(path(resolved(*r, "host!u@example.com")), "relay:host.example.com u@host.example.com");
    EXPECT_EQ(path(resolved(*r, "u%mail@example.com")), "local:mail.example.com u@mail.example.com");
    EXPECT_EQ(path(resolved(*r, "u@host")), "smtp:host u@host");
}

TEST(Router, finds_a_sender_of_this_machine_by_the_bare_name)
{
    auto r = router("sender_dependent_relayhost_maps = inline:{u=[own.test]}\n");
    EXPECT_EQ(resolved(*r, "r@far.test", "u@example.com").nexthop, "[own.test]");
    EXPECT_EQ(resolved(*r, "r@far.test", "u@[127.0.0.1]").nexthop, "[own.test]");
    EXPECT_EQ(resolved(*r, "r@far.test", "u@other.test").nexthop, "far.test");
}

TEST(Router, completes_the_empty_recipient_and_bare_names)
{
    auto r = router("");
    EXPECT_EQ(path(resolved(*r, "")), "local:mail.example.com MAILER-DAEMON@mail.example.com");
    EXPECT_EQ(path(resolved(*r, "root")), "local:mail.example.com root@mail.example.com");
    auto other = router("empty_address_recipient = robot\n");
    EXPECT_EQ(path(resolved(*other, "")), "local:mail.example.com robot@mail.example.com");
}

TEST(Router, calls_addresses_without_a_usable_domain_malformed)
{
    auto r = router("");
    for (const char* address : {"u@", "u@a..test", "u@[not.an.ip]", "u@192.0.2.1", "u@-a.test", "-u@a.test"}) {
        Route route = resolved(*r, address);
        EXPECT_TRUE(route.malformed) << address;
        EXPECT_EQ(route.transport, "error") << address;
        EXPECT_EQ(route.nexthop, "5.1.3 bad address syntax") << address;
    }
    auto lenient = router("resolve_null_domain = yes\nresolve_numeric_domain = yes\nallow_min_user = yes\n");
    EXPECT_EQ(path(resolved(*lenient, "u@")), "local:mail.example.com u@mail.example.com");
    EXPECT_EQ(path(resolved(*lenient, "u@192.0.2.1")), "smtp:[192.0.2.1] u@[192.0.2.1]");
    EXPECT_EQ(path(resolved(*lenient, "-u@a.test")), "smtp:a.test -u@a.test");
}

TEST(Router, sends_mail_for_who_has_moved_back_with_the_new_address)
{
    auto r = router("relocated_maps = inline:{ {gone@example.com=new@other.test} {left=there@x.test} }\n");
    EXPECT_EQ(path(resolved(*r, "gone@example.com")), "error:5.1.6 User has moved to new@other.test gone@example.com");
    EXPECT_EQ(path(resolved(*r, "left@example.com")), "error:5.1.6 User has moved to there@x.test left@example.com");
    EXPECT_EQ(checked(*r, "gone@example.com"),
              (RecipientStatus{.known = false, .code = "5.1.6", .text = "User has moved to new@other.test"}));
    auto plain =
        router("relocated_prefix_enable = no\nrelocated_maps = inline:{{gone@example.com=5.1.6 No one here}}\n");
    EXPECT_EQ(path(resolved(*plain, "gone@example.com")), "error:5.1.6 No one here gone@example.com");
}

TEST(Router, hides_the_table_in_which_a_user_is_unknown)
{
    auto r = router("local_recipient_maps = inline:{user=1}\nshow_user_unknown_table_name = no\n");
    EXPECT_EQ(checked(*r, "no@example.com").text, "User unknown");
}

TEST(Router, looks_for_the_relayhost_of_the_empty_sender_with_its_key)
{
    auto r = router("empty_address_relayhost_maps_lookup_key = nobody\n"
                    "sender_dependent_relayhost_maps = inline:{ {nobody=[bounces.test]} }\n");
    EXPECT_EQ(path(resolved(*r, "u@remote.test", "")), "smtp:[bounces.test] u@remote.test");
}

TEST(Router, takes_addresses_of_proxies_for_its_own)
{
    auto r = router("proxy_interfaces = 192.0.2.7\n");
    EXPECT_EQ(path(resolved(*r, "u@[192.0.2.7]")), "local:mail.example.com u@[192.0.2.7]");
}

TEST(Router, knows_who_is_listed_in_the_tables_of_each_class)
{
    auto r =
        router("local_recipient_maps = inline:{ {user=1} {full@example.com=1} }\n"
               "virtual_alias_domains = alias.test\nvirtual_alias_maps = inline:{ {a@alias.test=b@c.test} }\n"
               "virtual_mailbox_domains = box.test\nvirtual_mailbox_maps = inline:{ {v@box.test=v/} }\n"
               "relay_domains = relay.test\nrelay_recipient_maps = inline:{ {r@relay.test=1} {@all.relay.test=1} }\n"
               "recipient_canonical_maps = inline:{ {canon@example.com=user@example.com} }\n"
               "recipient_delimiter = +\n");
    for (const char* known :
         {"user@example.com", "user+x@example.com", "full@example.com", "a@alias.test", "v@box.test", "r@relay.test",
          "any@all.relay.test", "any@remote.test", "canon@example.com", "double-bounce@example.com"})
        EXPECT_TRUE(checked(*r, known).known) << known;
    auto unknown = [](std::string text) {
        return RecipientStatus{.known = false, .code = "5.1.1", .text = std::move(text)};
    };
    EXPECT_EQ(checked(*r, "nobody@example.com"), unknown("User unknown in local recipient table"));
    EXPECT_EQ(checked(*r, "nobody@alias.test"), unknown("User unknown in virtual alias table"));
    EXPECT_EQ(checked(*r, "nobody@box.test"), unknown("User unknown in virtual mailbox table"));
    EXPECT_EQ(checked(*r, "nobody@relay.test"), unknown("User unknown in relay recipient table"));
}

TEST(Router, never_says_unknown_when_a_table_cannot_answer)
{
    auto r = router("local_recipient_maps = fail:{1}\n");
    auto status = net::run_until_done(r->check_recipient("u@example.com", resolved(*r, "u@example.com")));
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().kind(), ErrorKind::Temporary);
    auto broken = router("transport_maps = fail:{1}\n");
    auto route = net::run_until_done(broken->resolve("", "u@example.com"));
    ASSERT_FALSE(route);
    EXPECT_EQ(route.error().kind(), ErrorKind::Temporary);
}

TEST(Router, brings_addresses_into_canonical_form)
{
    auto r =
        router("myorigin = origin.test\nappend_dot_mydomain = yes\nremote_header_rewrite_domain = remote.invalid\n");
    auto local = [&](std::string_view address) { return r->canonical_form(address, RewriteContext::Local); };
    EXPECT_EQ(local("user"), "user@origin.test");
    EXPECT_EQ(local("user@host"), "user@host.example.com");
    EXPECT_EQ(local("user@host.test."), "user@host.test");
    EXPECT_EQ(local("site!user"), "user@site.example.com");
    EXPECT_EQ(local("user%site.test"), "user@site.test");
    EXPECT_EQ(local("@a,@b:user@c.test"), "user@c.test");
    EXPECT_EQ(local("user@[192.0.2.1]"), "user@[192.0.2.1]");
    EXPECT_EQ(local("two words"), "two words@origin.test");
    EXPECT_EQ(local(""), "");
    EXPECT_EQ(r->canonical_form("user", RewriteContext::Remote), "user@remote.invalid");
    EXPECT_EQ(r->canonical_external_form("\"two words\"", RewriteContext::Local), "\"two words\"@origin.test");
    EXPECT_EQ(r->canonical_external_form("\"a!b\"@host", RewriteContext::Local), "\"a!b\"@host.example.com");
}

TEST(Router, refuses_a_transport_without_a_name)
{
    auto config = config::load_text("default_transport = :[x]\ninet_interfaces = 127.0.0.1\n", "main.cf", {});
    ASSERT_TRUE(config);
    auto made = Router::open(*config);
    ASSERT_FALSE(made);
    EXPECT_THAT(made.error().text(), testing::HasSubstr("default_transport: expected transport or transport:nexthop"));
}

const trace::StepRecord* find_step(const std::vector<trace::StepRecord>& steps, std::string_view what)
{
    auto found = std::ranges::find(steps, what, &trace::StepRecord::what);
    return found == steps.end() ? nullptr : &*found;
}

TEST(Router, says_to_an_observer_which_list_and_parameter_decide)
{
    auto r = router("relay_domains = relay.test\nrelayhost = [gateway.test]\n"
                    "transport_maps = inline:{{.relay.test=smtp:[there.test]}}\n");
    trace::Recorder recorder;
    resolved(*r, "u@sub.relay.test");
    auto steps = recorder.take();
    const auto* relay = find_step(steps, "relay_domains");
    ASSERT_NE(relay, nullptr);
    EXPECT_EQ(relay->result, "listed");
    EXPECT_EQ(relay->element, "relay.test");
    ASSERT_NE(find_step(steps, "relayhost"), nullptr);
    EXPECT_EQ(find_step(steps, "relayhost")->result, "[gateway.test]");
    const auto* transport = find_step(steps, "transport_maps");
    ASSERT_NE(transport, nullptr);
    ASSERT_NE(transport->decisive(), nullptr);
    EXPECT_EQ(transport->decisive()->key, ".relay.test");
    EXPECT_EQ(transport->result, "smtp:[there.test]");
}

TEST(Router, says_to_an_observer_which_table_fails)
{
    auto r = router("transport_maps = fail:broken\n");
    trace::Recorder recorder;
    EXPECT_FALSE(net::run_until_done(r->resolve("", "u@far.test")));
    auto steps = recorder.take();
    ASSERT_FALSE(steps.empty());
    EXPECT_EQ(steps.back().what, "transport_maps");
    EXPECT_NE(steps.back().trouble(), "");
}

TEST(Router, a_content_filter_takes_the_place_of_the_transport)
{
    Route route{.transport = "local", .nexthop = "x", .recipient = "u@example.com"};
    apply_filter("", "", &route);
    EXPECT_EQ(route.transport, "local");
    apply_filter("scan:", "", &route);
    EXPECT_EQ(path(route), "scan:example.com u@example.com");
    apply_filter("scan:", "mail.example.com", &route);
    EXPECT_EQ(path(route), "scan:mail.example.com u@example.com");
    apply_filter("scan:[127.0.0.1]:10", "mail.example.com", &route);
    EXPECT_EQ(path(route), "scan:[127.0.0.1]:10 u@example.com");
}

}  // namespace
}  // namespace posthaste::routing
