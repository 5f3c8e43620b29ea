// ledger.cc — see ledger.h.
#include "testmail/ledger.h"

#include "base/text.h"

#include <algorithm>
#include <fcntl.h>
#include <fmt/format.h>
#include <functional>
#include <iterator>
#include <optional>
#include <unordered_map>
#include <utility>

namespace posthaste::testmail {

namespace {

struct Line {
    double when = 0;
    std::string_view id;
    std::vector<std::string_view> recipients;
};

std::optional<Line> parse_line(std::string_view text)
{
    std::vector<std::string_view> fields = split(text, "\t");
    if (fields.size() < 2)
        return std::nullopt;
    std::vector<std::string_view> parts = split(fields[0], ".");
    if (parts.size() != 2)
        return std::nullopt;
    std::optional<std::int64_t> seconds = parse_number<std::int64_t>(parts[0]);
    std::optional<std::int64_t> microseconds = parse_number<std::int64_t>(parts[1]);
    if (!seconds || !microseconds)
        return std::nullopt;
    Line line;
    line.when = static_cast<double>(*seconds) + static_cast<double>(*microseconds) / 1e6;
    line.id = fields[1];
    line.recipients.assign(fields.begin() + 2, fields.end());
    return line;
}

template<class Function>
void for_each_line(std::string_view ledger, Function function)
{
    while (true) {
        std::size_t end = ledger.find('\n');
        if (end == std::string_view::npos)
            return;
        if (std::optional<Line> line = parse_line(ledger.substr(0, end)))
            function(*line);
        ledger.remove_prefix(end + 1);
    }
}

struct Key {
    std::string_view id;
    std::string_view recipient;
    friend bool operator==(const Key&, const Key&) = default;
};

struct HashOfKey {
    std::size_t operator()(const Key& key) const
    {
        return std::hash<std::string_view>()(key.id) * 31 + std::hash<std::string_view>()(key.recipient);
    }
};

struct History {
    std::optional<double> acknowledged;
    double first_arrival = 0;
    std::uint64_t arrivals = 0;
};

std::string milliseconds(double seconds) { return fmt::format("{:.1f} ms", seconds * 1000); }

}  // namespace

Result<Ledger> Ledger::open(const std::string& path)
{
    TRY(UniqueFd file, open_file(path, O_WRONLY | O_CREAT | O_APPEND, 0644));
    return Ledger(std::move(file));
}

void Ledger::add(std::string_view id, std::span<const std::string> recipients,
                 std::chrono::system_clock::time_point when)
{
    auto microseconds = std::chrono::duration_cast<std::chrono::microseconds>(when.time_since_epoch()).count();
    auto out = std::back_inserter(lines_);
    fmt::format_to(out, "{}.{:06}\t{}", microseconds / 1'000'000, microseconds % 1'000'000, id);
    for (const std::string& recipient : recipients)
        lines_.append("\t").append(recipient);
    lines_.push_back('\n');
}

Result<void> Ledger::write_out()
{
    if (lines_.empty())
        return {};
    TRY(write_fully(file_.get(), lines_));
    lines_.clear();
    return {};
}

Comparison compare(std::string_view source_ledger, std::string_view sink_ledger)
{
    Comparison result;
    std::unordered_map<Key, History, HashOfKey> histories;
    for_each_line(source_ledger, [&](const Line& line) {
        for (std::string_view recipient : line.recipients)
            histories[{line.id, recipient}].acknowledged = line.when;
    });
    for_each_line(sink_ledger, [&](const Line& line) {
        if (line.id == no_id) {
            ++result.without_id;
            return;
        }
        for (std::string_view recipient : line.recipients) {
            History& history = histories[{line.id, recipient}];
            if (history.arrivals++ == 0)
                history.first_arrival = line.when;
        }
    });
    for (const auto& [key, history] : histories) {
        Comparison::Delivery delivery{std::string(key.id), std::string(key.recipient), history.arrivals};
        if (history.arrivals > 1)
            result.doubled.push_back(delivery);
        if (!history.acknowledged) {
            result.unannounced.push_back(std::move(delivery));
            continue;
        }
        ++result.acknowledged;
        if (history.arrivals == 0) {
            result.missing.push_back(std::move(delivery));
            continue;
        }
        ++result.arrived;
        result.seconds_between.push_back(history.first_arrival - *history.acknowledged);
    }
    for (auto* list : {&result.missing, &result.doubled, &result.unannounced})
        std::ranges::sort(*list, {}, [](const auto& delivery) { return std::tie(delivery.id, delivery.recipient); });
    std::ranges::sort(result.seconds_between);
    return result;
}

std::string report(const Comparison& comparison)
{
    std::string text;
    auto out = std::back_inserter(text);
    for (const auto& delivery : comparison.missing)
        fmt::format_to(out, "missing {} {}\n", delivery.id, delivery.recipient);
    for (const auto& delivery : comparison.doubled)
        fmt::format_to(out, "doubled {} {}: {} times\n", delivery.id, delivery.recipient, delivery.times);
    fmt::format_to(out, "{} deliveries acknowledged, {} arrived, {} missing, {} doubled\n", comparison.acknowledged,
                   comparison.arrived, comparison.missing.size(), comparison.doubled.size());
    if (!comparison.unannounced.empty())
        fmt::format_to(out, "{} arrived that were not acknowledged to the source\n", comparison.unannounced.size());
    if (comparison.without_id != 0)
        fmt::format_to(out, "{} messages without an id\n", comparison.without_id);
    const auto& times = comparison.seconds_between;
    if (!times.empty())
        fmt::format_to(out, "acknowledged to arrived: median {}, 99th percentile {}, longest {}\n",
                       milliseconds(times[times.size() / 2]), milliseconds(times[times.size() * 99 / 100]),
                       milliseconds(times.back()));
    return text;
}

void IdFinder::reset()
{
    header_.clear();
    id_.clear();
    done_ = false;
}

bool IdFinder::search(std::string_view header)
{
    for (;;) {
        std::size_t end = header.find("\r\n");
        if (end == std::string_view::npos)
            return false;
        std::string_view line = header.substr(0, end);
        if (line.empty())
            return true;
        if (starts_with_ignoring_case(line, id_header) && line.substr(id_header.size()).starts_with(':')) {
            id_ = trim(line.substr(id_header.size() + 1));
            return true;
        }
        header.remove_prefix(end + 2);
    }
}

void IdFinder::feed(std::string_view content)
{
    if (done_)
        return;
    if (header_.empty() && search(content)) {  // the usual case: the whole header is in the first piece
        done_ = true;
        return;
    }
    header_.append(content.substr(0, max_header - std::min(max_header, header_.size())));
    done_ = search(header_) || header_.size() >= max_header;
    if (done_)
        header_.clear();
}

}  // namespace posthaste::testmail
