// targets_user.cc — what a name stands for that is no alias: the user's .forward file, the transport that takes mail
// for mailboxes, the mailbox; and where there is no such user, fallback_transport and luser_relay (local(8),
// targets.h).
#include "address/fold.h"
#include "address/local_part.h"
#include "base/text.h"
#include "daemon/local/list_file.h"
#include "daemon/local/recipient_names.h"
#include "daemon/local/targets.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/local.h"

#include <algorithm>
#include <sys/stat.h>

namespace posthaste::local {

namespace {

bool is_word_of(const std::string& list, std::string_view word)
{
    return std::ranges::any_of(split(list, ", \t\r\n"), [&](std::string_view each) { return each == word; });
}

}  // namespace

// postconf(5) luser_relay, last: the order in which features take a name that is no alias.
Task<Result<void>> Expansion::expand_user(Named named)
{
    auto account = co_await mailbox::find_account(named->name);
    const bool known = account.has_value();
    if (!known && account.error().kind() != ErrorKind::NotFound)
        co_return fail(std::move(account).error());
    if (known)
        named->account = std::move(*account);
    if (known && !on_path(Step::Kind::Forward, named->name)) {
        if (!is_new("user " + address::fold_case(address::split_at_domain(named->address).local_part)))
            co_return Result<void>{};
        CO_TRY(auto list, co_await forward_list(named));
        if (list && !list->empty()) {
            named->source = ListSource::Forward;
            named->hands_on_for_forward = true;
            const PathStep step(path_, {Step::Kind::Forward, named->name, named});
            co_return co_await expand_list(std::move(*list), std::move(named));
        }
    }
    CO_TRY(auto transport,
           co_await transport_for(&tables_.mailbox_transport, &config_.get(param::mailbox_transport), named));
    if (transport)
        add_target({TargetKind::Transport, std::move(named), std::move(*transport), {}});
    else if (known)
        add_target({TargetKind::Mailbox, std::move(named), {}, {}});
    else
        co_return co_await expand_unknown(std::move(named), account.error().text());
    co_return Result<void>{};
}

Task<Result<void>> Expansion::expand_unknown(Named named, std::string why)
{
    CO_TRY(auto transport,
           co_await transport_for(&tables_.fallback_transport, &config_.get(param::fallback_transport), named));
    if (transport) {
        add_target({TargetKind::Transport, std::move(named), std::move(*transport), {}});
        co_return Result<void>{};
    }
    const std::string& relay = config_.get(param::luser_relay);
    if (relay.empty()) {
        if (is_new("unknown " + named->name))
            add_unknown(std::move(named), std::move(why));
        co_return Result<void>{};
    }
    CO_TRY(std::string address, expand_names(config_, relay, *named, {}));  // one, not a list
    // A name that the relay address leads back to is nobody's.
    if (!relayed_.insert(named->name).second) {
        add_unknown(std::move(named), std::move(why));
        co_return Result<void>{};
    }
    named->source = ListSource::LuserRelay;
    co_return co_await expand_address(std::move(address), std::move(named));
}

// postconf(5) mailbox_transport_maps, fallback_transport_maps: the table says more than the parameter that counts for
// all.
Task<Result<std::optional<std::string>>> Expansion::transport_for(table::Maps* maps, const std::string* fixed,
                                                                  Named named)
{
    if (!maps->empty()) {
        CO_TRY(auto found, co_await maps->find(named->name));
        if (found)
            co_return found;
    }
    co_return fixed->empty() ? std::optional<std::string>() : std::optional(*fixed);
}

// The list in the first file of forward_path that exists and can be trusted.
Task<Result<std::optional<std::string>>> Expansion::forward_list(Named named)
{
    const std::string& filter = config_.get(param::forward_expansion_filter);
    CO_TRY(std::string paths, expand_names(config_, config_.get(param::forward_path), *named, filter));
    Scope without_extension = *named;
    without_extension.extension.clear();
    CO_TRY(std::string general_paths,
           expand_names(config_, config_.get(param::forward_path), without_extension, filter));
    for (std::string_view piece : split(paths, ", \t\r\n")) {
        std::string path(piece);
        struct stat status{};
        if (!path.starts_with('/') || ::lstat(path.c_str(), &status) != 0)
            continue;
        CO_TRY(count_file());
        auto file = co_await read_list_file(named->account, path, ListFileKind::Forward);
        if (file) {
            if (is_word_of(general_paths, path))  // the file of all extensions
                named->unmatched = named->extension;
            co_return std::optional(std::move(file->destinations));
        }
        if (file.error().action != dsn::Action::Bounced)
            co_return fail(ErrorKind::Temporary, "cannot read " + path + ": " + file.error().text);
        log::warning("{}", file.error().text);
    }
    co_return std::optional<std::string>();
}

}  // namespace posthaste::local
