// resolver.h — asynchronous DNS over libunbound, validated in the process where that is asked for.
//
// lookup() says what the name service said: records, "no such name", "no such data". That it said nothing useful
// (SERVFAIL, a bogus signature, a deadline), or that a filter left nothing of what it said, is an Error of kind
// Temporary or Timeout: doubt never becomes "no such host". CNAMEs are followed. Names are given in ASCII (A-labels),
// with or without the final dot.
//
// The resolver list is read before the jail and again when /etc/resolv.conf changes and can still be read. Limits:
// 100 records an answer, 255 bytes a name.
#pragma once

#include "base/result.h"
#include "dns/search_list.h"
#include "net/loop.h"
#include "net/task.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::dns {

enum class Type : std::uint16_t {
    A = 1,
    Ns = 2,
    Cname = 5,
    Ptr = 12,
    Mx = 15,
    Txt = 16,
    Aaaa = 28,
    Srv = 33,
    Tlsa = 52
};

// "MX", "AAAA", ...
std::string_view name(Type type);
// In any case; nothing for what is no type that mail asks for.
std::optional<Type> parse_type(std::string_view name);

struct Answer {
    enum class Status : std::uint8_t { Found, NoSuchName, NoSuchData };
    Status status = Status::NoSuchName;
    std::vector<std::string> records;  // RDATA as on the wire, names uncompressed
    std::string canonical_name;        // where the CNAMEs led; the name asked for if there were none
    std::uint32_t ttl = 0;             // seconds
    bool secure = false;               // every step was validated

    [[nodiscard]] bool found() const { return status == Status::Found; }
};

// "Name service error for name=mx.example.com type=A: Host not found": how the log and bounces say it (smtp(8)).
std::string describe(std::string_view queried, Type type, std::string_view reason);
std::string describe(std::string_view queried, Type type, Answer::Status status);

// Whether a record, as record_text() writes it, is to be left out of the answer. An error makes the lookup fail.
using RecordFilter = std::function<Task<Result<bool>>(std::string record)>;

// postconf(5) dnssec_probe: the question whose answer tells whether signatures come through.
struct Probe {
    Type type = Type::Ns;
    std::string name = ".";
    bool warns = true;  // should they not
};
// "ns:." ; empty: the default, without a warning. Invalid: not TYPE:NAME.
Result<Probe> parse_probe(std::string_view text);

struct ResolverOptions {
    // Addresses with an optional port: "192.0.2.1", "127.0.0.1:5353", "[::1]:53", "host@port". Empty:
    // /etc/resolv.conf.
    std::vector<std::string> servers;
    // DNSSEC. Without it every answer counts as insecure. Where the upstream strips signatures (probed), it is
    // switched off with a warning.
    bool validate = false;
    Probe probe{};
    // Where it does not exist, the keys of the root zone that are known to this build count.
    std::string trust_anchor_file = "/usr/share/dns/root.key";
    SearchOptions search{};
    RecordFilter drops{};  // none: answers are used as they come
};

// Splits the value of dns_servers at blanks and commas and checks the entries. Invalid: not an address.
Result<std::vector<std::string>> parse_servers(std::string_view text);

// Life time: that of its owner, who outlives the lookups. Loop's thread only; libunbound works on a thread of its own.
class Resolver {
public:
    // Reads resolver list and trust anchor: call it before the jail. Invalid: bad server. Io: libunbound refuses.
    static Result<std::unique_ptr<Resolver>> open(ResolverOptions options);
    ~Resolver();

    Task<Result<Answer>> lookup(std::string queried, Type type, net::Deadline deadline);

    struct Impl;

private:
    explicit Resolver(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthaste::dns
