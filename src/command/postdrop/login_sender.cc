// login_sender.cc — see login_sender.h.
#include "command/postdrop/login_sender.h"

#include "address/fold.h"
#include "address/local_part.h"
#include "base/text.h"
#include "param/basics.h"
#include "param/commands.h"
#include "table/maps.h"
#include "table/settings.h"
#include "table/text_source.h"
#include "table/wait_for.h"

#include <algorithm>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

namespace posthaste::command::postdrop {

namespace {

constexpr std::string_view parameter = "local_login_sender_maps";

std::string without_extension(std::string_view sender, std::string_view recipient_delimiter)
{
    const address::Split parts = address::split_at_domain(sender);
    // Such a local part becomes a domain when the message is taken in (swap_bangpath, allow_percent_hack): what looks
    // like an extension may be the sender.
    if (!parts.has_domain && parts.local_part.find_first_of("!%") != std::string_view::npos)
        return std::string(sender);
    std::string plain(address::split_extension(parts.local_part, recipient_delimiter).first);
    if (parts.has_domain)
        plain.append("@").append(parts.domain);
    return plain;
}

// sender: folded; empty is what empty_address_local_login_sender_maps_lookup_key calls it.
bool allows(std::string_view pattern, std::string_view sender)
{
    const std::string folded = address::fold_case(pattern);
    return pattern == "*" || folded == sender || (pattern.starts_with('@') && sender.ends_with(folded));
}

}  // namespace

std::string login_name()
{
    const passwd* user = ::getpwuid(::getuid());  // NOLINT(concurrency-mt-unsafe): one thread
    return user == nullptr ? fmt::format("uid:{}", ::getuid()) : std::string(user->pw_name);
}

Result<bool> may_use_sender(const std::shared_ptr<const config::Config>& config, const std::string& login,
                            std::string_view sender)
{
    const std::string& tables = config->get(param::local_login_sender_maps);
    if (tables == "static:*")
        return true;  // the default: no table need be opened
    table::use_main_cf(config, table::ProxyUser::Command);
    TRY(table::Maps maps, table::Maps::open(tables));
    auto found = table::wait_for(maps.find(login));
    if (!found)
        return fail(ErrorKind::Temporary, fmt::format("{}: {}", parameter, found.error().text()));
    if (!*found)
        return false;
    const std::string asked =
        address::fold_case(sender.empty() ? config->get(param::empty_address_local_login_sender_maps_lookup_key)
                                          : without_extension(sender, config->get(param::recipient_delimiter)));
    return std::ranges::any_of(split(**found, table::list_separators),
                               [&asked](std::string_view pattern) { return allows(pattern, asked); });
}

}  // namespace posthaste::command::postdrop
