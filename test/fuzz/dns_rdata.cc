// RDATA as a name server may send it: no input may crash, and a name that is taken holds nothing but host name bytes.
#include "base/text.h"
#include "dns/record_text.h"
#include "dns/wire.h"

#include <algorithm>
#include <cstdlib>

using namespace posthaste;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    std::string_view rdata(reinterpret_cast<const char*>(data), size);
    auto harmless = [](char c) { return is_ascii_alnum(c) || c == '-' || c == '_' || c == '.'; };
    for (const std::string& name :
         {dns::parse_name(rdata).value_or(""), dns::parse_mx(rdata).value_or(dns::MxRecord{}).host,
          dns::parse_srv(rdata).value_or(dns::SrvRecord{}).host})
        if (name.size() > 255 || !std::ranges::all_of(name, harmless))
            std::abort();
    static_cast<void>(dns::parse_txt(rdata));
    for (dns::Type type :
         {dns::Type::A, dns::Type::Ns, dns::Type::Mx, dns::Type::Txt, dns::Type::Aaaa, dns::Type::Srv, dns::Type::Tlsa})
        if (dns::record_text("x.test", 1, type, std::string(rdata)).contains('\n'))
            std::abort();
    return 0;
}
