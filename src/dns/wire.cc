// wire.cc — see wire.h.
#include "dns/wire.h"

#include "base/text.h"

namespace posthaste::dns {

namespace {

constexpr std::size_t longest_label = 63;
constexpr std::size_t longest_name = 255;

bool is_host_byte(char c) { return is_ascii_alnum(c) || c == '-' || c == '_'; }

std::uint16_t number_at(std::string_view bytes, std::size_t offset)
{
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[offset]) << 8 |
                                      static_cast<unsigned char>(bytes[offset + 1]));
}

}  // namespace

Result<std::string> parse_name(std::string_view rdata)
{
    if (rdata.size() > longest_name)
        return fail(ErrorKind::Invalid, "domain name is too long");
    std::string name;
    while (!rdata.empty()) {
        auto length = static_cast<unsigned char>(rdata.front());
        rdata.remove_prefix(1);
        if (length == 0) {
            if (!rdata.empty())
                return fail(ErrorKind::Invalid, "bytes after a domain name");
            return name.empty() ? std::string(".") : name;
        }
        if (length > longest_label || length > rdata.size())
            return fail(ErrorKind::Invalid, "malformed domain name");
        if (!name.empty())
            name += '.';
        for (char c : rdata.substr(0, length)) {
            if (!is_host_byte(c))
                return fail(ErrorKind::Invalid, "domain name is not a host name");
            name += c;
        }
        rdata.remove_prefix(length);
    }
    return fail(ErrorKind::Invalid, "domain name without end");
}

Result<MxRecord> parse_mx(std::string_view rdata)
{
    if (rdata.size() < 3)
        return fail(ErrorKind::Invalid, "short MX record");
    TRY(std::string host, parse_name(rdata.substr(2)));
    return MxRecord{number_at(rdata, 0), std::move(host)};
}

Result<SrvRecord> parse_srv(std::string_view rdata)
{
    if (rdata.size() < 7)
        return fail(ErrorKind::Invalid, "short SRV record");
    TRY(std::string host, parse_name(rdata.substr(6)));
    return SrvRecord{number_at(rdata, 0), number_at(rdata, 2), number_at(rdata, 4), std::move(host)};
}

Result<std::string> parse_txt(std::string_view rdata)
{
    std::string text;
    while (!rdata.empty()) {
        auto length = static_cast<unsigned char>(rdata.front());
        rdata.remove_prefix(1);
        if (length > rdata.size())
            return fail(ErrorKind::Invalid, "malformed TXT record");
        text += rdata.substr(0, length);
        rdata.remove_prefix(length);
    }
    return text;
}

}  // namespace posthaste::dns
