// check_tables_open.cc — every lookup table that main.cf and master.cf name opens, and its index is not older than its
// source.
//
// A value is a table where a word of it has the form type:name with a type of table that exists, or that Postfix has.
// Caches are left out, because the daemons make them.
#include "base/text.h"
#include "command/postfix/checks.h"
#include "config/declaration.h"
#include "table/registry.h"
#include "table/settings.h"
#include "table/table.h"
#include "table/text_source.h"

#include <fmt/format.h>
#include <set>

namespace posthaste::postfix {

namespace {

bool is_table(std::string_view word)
{
    const std::size_t colon = word.find(':');
    if (colon == std::string_view::npos || colon + 1 == word.size())
        return false;
    const std::string_view type = word.substr(0, colon);
    if (type == "unix")  // also the path of a socket
        return word.ends_with(".byname");
    return table::is_type(type);
}

// Caches, and the lists of what proxymap(8) may be asked for.
bool is_left_out(std::string_view parameter)
{
    return parameter.find("cache") != std::string_view::npos || parameter.find("_verify_") != std::string_view::npos ||
           parameter == "proxy_read_maps" || parameter == "proxy_write_maps";
}

// Parameters that name tables and nothing else: what is none there is a slip.
bool has_only_tables(std::string_view parameter)
{
    for (std::string_view ending :
         {"_maps", "_checks", "_reply_filter", "_status_filter", "_command_filter", "alias_database"})
        if (parameter.ends_with(ending))
            return true;
    return false;
}

std::string remedy(std::string_view table, std::string_view parameter, const Error& error)
{
    const std::string_view type = table.substr(0, table.find(':'));
    const bool indexed = type == "hash" || type == "btree" || type == "lmdb" || type == "cdb";
    if (indexed && error.kind() == ErrorKind::NotFound)
        return fmt::format("make it with: {} {}", parameter.starts_with("alias_") ? "postalias" : "postmap", table);
    if (error.kind() == ErrorKind::Unsupported)
        return "install the module, or use a type that postconf -m lists";
    return "until it opens, mail that needs it waits";
}

class TableCheck {
public:
    explicit TableCheck(Findings& findings) : findings_(findings) {}

    void look(std::string_view value, std::string_view parameter, const config::Place& place,
              const std::string& service)
    {
        auto words = table::split_outside_braces(value, table::list_separators);
        if (!words) {
            if (parameter.ends_with("_maps"))  // others may have braces for other purposes
                findings_.push_back({.severity = Severity::Error,
                                     .place = place,
                                     .parameter = std::string(parameter),
                                     .service = service,
                                     .text = words.error().text(),
                                     .remedy = "correct the list of tables: type:name, type:name"});
            return;
        }
        for (std::string_view word : *words) {
            table::OpenOptions options = table::options_for(parameter);
            options.substitutions = table::substitutions_in(word, options.substitutions);
            if ((!is_table(word) && !has_only_tables(parameter)) || !seen_.emplace(word, options.substitutions).second)
                continue;
            options.stale_index = table::StaleIndex::Warn;
            options.warn = [&](std::string_view text) { add(parameter, place, service, std::string(text), ""); };
            auto table = table::open(word, options);
            if (!table)
                add(parameter, place, service, fmt::format("{}: {}", word, table.error().text()),
                    remedy(word, parameter, table.error()));
        }
    }

private:
    void add(std::string_view parameter, const config::Place& place, const std::string& service, std::string text,
             std::string remedy)
    {
        findings_.push_back({.severity = Severity::Warning,
                             .place = place,
                             .parameter = std::string(parameter),
                             .service = service,
                             .text = std::move(text),
                             .remedy = std::move(remedy)});
    }

    Findings& findings_;
    std::set<std::pair<std::string, table::Substitutions>> seen_;
};

}  // namespace

namespace checks {

void tables(const Subject& subject, Findings& findings)
{
    TableCheck check(findings);
    auto look = [&](const config::Declaration& declaration) {
        if (declaration.status != config::Status::Working || declaration.kind != config::Kind::String ||
            is_left_out(declaration.name))
            return;
        if (auto value = subject.config.value_of(declaration.name); value && *value)
            check.look(**value, declaration.name, place_of(subject.config, declaration.name), "");
    };
    // What is written in main.cf first: a default may contain it ($virtual_alias_maps).
    for (const config::Declaration& declaration : config::declarations())
        if (subject.config.place(declaration.name))
            look(declaration);
    for (const config::Declaration& declaration : config::declarations())
        if (!subject.config.place(declaration.name))
            look(declaration);
    for (const config::MasterService& service : subject.master_cf.services)
        for (const auto& [name, value] : service.overrides)
            if (!is_left_out(name))
                check.look(subject.config.expand(value), name, service.place, key_of(service));
}

}  // namespace checks
}  // namespace posthaste::postfix
