// distribution.cc — see distribution.h.
#include "command/qshape/distribution.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <set>

namespace posthaste::command::qshape {

namespace {

constexpr std::size_t narrowest_name = 18;
constexpr std::size_t narrowest_number = 2;

std::string domain_of(std::string_view address)
{
    const std::size_t at = address.rfind('@');
    std::string_view domain = at == std::string_view::npos ? address : address.substr(at + 1);
    if (domain.ends_with('.'))
        domain.remove_suffix(1);
    return at == std::string_view::npos ? std::string(domain) : to_lower(domain);
}

void append_row(std::string& out, std::string_view name, std::size_t name_width,
                const std::vector<std::string>& numbers, const std::vector<std::size_t>& widths)
{
    out += fmt::format("{:>{}}", name, name_width);
    for (std::size_t i = 0; i < numbers.size(); ++i)
        out += fmt::format(" {:>{}}", numbers[i], widths[i]);
    out += '\n';
}

std::vector<std::string> texts(const std::vector<std::uint64_t>& counts)
{
    std::vector<std::string> list;
    for (std::uint64_t count : counts)
        list.push_back(std::to_string(count));
    return list;
}

}  // namespace

std::string fitted_name(const std::string& name, std::size_t width)
{
    if (name.size() <= width)
        return name;
    const std::string_view mark = name.starts_with('.') ? ".+" : "+";
    return std::string(mark) + name.substr(name.size() - (width - mark.size()));
}

Distribution::Distribution(Shape shape)
    : shape_(shape), total_(static_cast<std::size_t>(std::max(shape.buckets, 1)) + 1)
{
    double limit = shape_.bucket_minutes;
    for (int i = 1; i < shape_.buckets; ++i) {
        limits_.push_back(limit);
        limit = shape_.linear ? limit + shape_.bucket_minutes : limit * 2;
    }
}

void Distribution::add(std::string_view address, double age_minutes)
{
    const auto bucket = std::ranges::upper_bound(limits_, age_minutes) - limits_.begin();
    Counts& counts = domains_.try_emplace(domain_of(address), total_.size()).first->second;
    for (Counts* each : {&counts, &total_}) {
        ++each->front();
        ++(*each)[static_cast<std::size_t>(bucket) + 1];
    }
}

// Below each the mail of all its subdomains, but not its own; without top-level domains, and those that have too few
// different domains directly below them.
std::map<std::string, Distribution::Counts> Distribution::parent_domains() const
{
    struct Parent {
        Counts counts;
        std::set<std::string_view> children;
    };
    std::map<std::string, Parent> parents;
    for (const auto& [domain, counts] : domains_) {
        if (domain.starts_with('['))
            continue;  // an address literal
        std::string_view below = domain;
        for (std::size_t dot; (dot = below.find('.')) != std::string_view::npos;) {
            const std::string_view label = below.substr(0, dot);
            below.remove_prefix(dot + 1);
            if (below.find('.') == std::string_view::npos)
                break;
            Parent& parent = parents[fmt::format(".{}", below)];
            parent.counts.resize(counts.size());
            std::ranges::transform(parent.counts, counts, parent.counts.begin(), std::plus{});
            parent.children.insert(label);
        }
    }
    std::map<std::string, Counts> shown;
    for (auto& [name, parent] : parents)
        if (parent.children.size() >= shape_.minimum_subdomains)
            shown.emplace(name, std::move(parent.counts));
    return shown;
}

std::vector<std::string> Distribution::heading() const
{
    std::vector<std::string> words{"T"};
    for (double limit : limits_)
        words.push_back(fmt::format("{}", limit));
    words.push_back(fmt::format("{}+", limits_.empty() ? 0 : limits_.back()));
    return words;
}

std::string Distribution::table(std::size_t most_domains) const
{
    const std::map<std::string, Counts> parents = shape_.parents ? parent_domains() : std::map<std::string, Counts>();
    std::vector<Row> rows;
    for (const auto& [name, counts] : domains_)
        rows.push_back({name, &counts});
    for (const auto& [name, counts] : parents)
        rows.push_back({name, &counts});
    std::ranges::sort(rows, [](const Row& a, const Row& b) {
        if (a.counts->front() != b.counts->front())
            return a.counts->front() > b.counts->front();
        return a.name.size() != b.name.size() ? a.name.size() < b.name.size() : a.name < b.name;
    });

    const std::vector<std::string> words = heading();
    const std::vector<std::string> totals = texts(total_);
    std::vector<std::size_t> widths;
    std::size_t used = 0;
    for (std::size_t i = 0; i < words.size(); ++i) {
        widths.push_back(std::max({words[i].size(), totals[i].size(), narrowest_number}));
        used += widths.back() + 1;
    }
    const std::size_t name_width = std::max(shape_.line_width, used + narrowest_name) - used;
    std::string out;
    append_row(out, "", name_width, words, widths);
    append_row(out, "TOTAL", name_width, totals, widths);
    for (const Row& row : rows) {
        if (most_domains-- == 0)
            break;
        append_row(out, fitted_name(printable(row.name), name_width), name_width, texts(*row.counts), widths);
    }
    return out;
}

}  // namespace posthaste::command::qshape
