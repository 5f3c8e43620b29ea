// master.cf: no input may crash, a service that is accepted must survive being printed and read again, and an edit of
// one service changes no other.
#include "config/master_cf.h"
#include "config/edit.h"

#include <algorithm>
#include <cstdlib>

using namespace posthaste::config;

namespace {

bool same(const MasterService& a, const MasterService& b)
{
    return a.arguments == b.arguments && a.overrides == b.overrides;
}

void check_edit(std::string_view text, const std::vector<MasterService>& services)
{
    const auto again =
        parse_master_cf(edited(text, Syntax::MasterCf, {{.key = "smtp/unix", .text = "smtp unix - - n - - smtp"}}), "");
    if (!again)
        std::abort();
    auto others = [](const std::vector<MasterService>& all) {
        std::vector<MasterService> rest;
        std::ranges::copy_if(all, std::back_inserter(rest), [](const MasterService& service) {
            return !(service.name == "smtp" && service.type == ServiceType::Unix);
        });
        return rest;
    };
    if (!std::ranges::equal(others(services), others(again->services), same))
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto master_cf = parse_master_cf(text, "master.cf");
    if (!master_cf) {
        static_cast<void>(edited(text, Syntax::MasterCf, {{.key = "smtp/unix", .text = "smtp unix - - n - - smtp"}}));
        return 0;
    }
    for (const MasterService& service : master_cf->services)
        for (Layout layout : {Layout::Folded, Layout::OneLine}) {
            const auto again = parse_master_cf(to_text(service, layout), "master.cf");
            if (!again || again->services.size() != 1 || !same(again->services[0], service))
                std::abort();
        }
    check_edit(text, master_cf->services);
    return 0;
}
