// Ledgers of test mail: what a server has acknowledged to smtp-source, and what has arrived at smtp-sink.
//
// A message of smtp-source carries its id in the header X-Posthaste-Id. The source writes a line when a message has
// been acknowledged, the sink one before it acknowledges; comparing both tells what the system between them has lost
// or delivered twice. A line is
//
//     seconds.microseconds TAB id TAB recipient TAB recipient ...
//
// with the recipients of that one transaction: a relay may split a message, so that pairs of id and recipient are
// compared. A sink names a message without an id "-". Ledgers are appended to, so that several sources, and a sink
// that was started again, can share one; a last line that was cut off is not read: nothing was acknowledged for it.
#pragma once

#include "base/fd.h"
#include "base/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::testmail {

inline constexpr std::string_view id_header = "X-Posthaste-Id";
inline constexpr std::string_view no_id = "-";

// Appends lines to a ledger. One owner, one thread.
class Ledger {
public:
    static Result<Ledger> open(const std::string& path);

    // Notes a message. It is in the file after write_out().
    void add(std::string_view id, std::span<const std::string> recipients, std::chrono::system_clock::time_point when);
    // Hands all lines to the kernel: they survive this process, whatever happens to it.
    Result<void> write_out();
    // Bytes that are not in the file yet.
    [[nodiscard]] std::size_t waiting() const { return lines_.size(); }

private:
    explicit Ledger(UniqueFd file) : file_(std::move(file)) {}
    UniqueFd file_;
    std::string lines_;
};

// What two ledgers say of the system between source and sink. Texts are copies.
struct Comparison {
    struct Delivery {
        std::string id;
        std::string recipient;
        std::uint64_t times = 0;  // how often it arrived
    };
    std::uint64_t acknowledged = 0;       // pairs of id and recipient that the source was promised
    std::uint64_t arrived = 0;            // of those, how many arrived
    std::uint64_t without_id = 0;         // messages at the sink that no source with a ledger has sent
    std::vector<Delivery> missing;        // promised, and not there
    std::vector<Delivery> doubled;        // there more than once
    std::vector<Delivery> unannounced;    // there, without a promise: the connection broke before it came
    std::vector<double> seconds_between;  // from acknowledgement to first arrival, ascending
};

Comparison compare(std::string_view source_ledger, std::string_view sink_ledger);
// The report that `smtp-sink --check` prints: a line for each delivery that is missing or doubled, and totals.
std::string report(const Comparison& comparison);

// Finds the id in the header of a message that arrives in pieces, in wire form. Keeps at most max_header bytes.
class IdFinder {
public:
    static constexpr std::size_t max_header = std::size_t{64} << 10;

    void feed(std::string_view content);
    // The id, or no_id if the header is through and has none.
    [[nodiscard]] std::string_view id() const { return id_.empty() ? no_id : std::string_view(id_); }
    void reset();

private:
    // Looks for the id or the header's end in what there is of the header; true when there is nothing left to find.
    bool search(std::string_view header);
    std::string header_;
    std::string id_;
    bool done_ = false;
};

}  // namespace posthaste::testmail
