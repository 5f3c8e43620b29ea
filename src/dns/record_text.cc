// record_text.cc — see record_text.h.
#include "dns/record_text.h"

#include "base/text.h"
#include "dns/lookups.h"
#include "dns/wire.h"

#include <fmt/format.h>

namespace posthaste::dns {

namespace {

std::string rooted(std::string name) { return name.ends_with('.') ? name : name + '.'; }

std::string hex(std::string_view bytes)
{
    std::string text;
    for (char c : bytes)
        text += fmt::format("{:02X}", static_cast<unsigned char>(c));
    return text;
}

Result<std::string> data_text(Type type, const std::string& rdata)
{
    constexpr std::size_t tlsa_head = 3;  // RFC 6698 2.1: usage, selector, matching type
    switch (type) {
    case Type::A:
    case Type::Aaaa: {
        TRY(net::Endpoint address, address_of(type, rdata, 0));
        return address.address();
    }
    case Type::Ns:
    case Type::Cname:
    case Type::Ptr: {
        TRY(std::string name, parse_name(rdata));
        return rooted(std::move(name));
    }
    case Type::Mx: {
        TRY(MxRecord mx, parse_mx(rdata));
        return fmt::format("{} {}", mx.preference, rooted(std::move(mx.host)));
    }
    case Type::Srv: {
        TRY(SrvRecord srv, parse_srv(rdata));
        return fmt::format("{} {} {} {}", srv.priority, srv.weight, srv.port, rooted(std::move(srv.host)));
    }
    case Type::Txt: {
        TRY(std::string text, parse_txt(rdata));
        return printable(text);
    }
    case Type::Tlsa:
        if (rdata.size() > tlsa_head)
            return fmt::format("{} {} {} {}", static_cast<unsigned char>(rdata[0]),
                               static_cast<unsigned char>(rdata[1]), static_cast<unsigned char>(rdata[2]),
                               hex(std::string_view(rdata).substr(tlsa_head)));
    }
    return fail(ErrorKind::Invalid, "a record without a usual form");
}

}  // namespace

std::string record_text(std::string_view owner, std::uint32_t ttl, Type type, const std::string& rdata)
{
    auto data = data_text(type, rdata);
    return fmt::format("{} {} IN {} {}", rooted(std::string(owner)), ttl, name(type),
                       data ? *data : fmt::format("\\# {} {}", rdata.size(), hex(rdata)));
}

}  // namespace posthaste::dns
