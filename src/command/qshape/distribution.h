// distribution.h — counts by domain and age, and the table of qshape(1).
//
// Pure: the age of a message comes as a number. Columns grow with the numbers in them; the name of a domain gets what
// is left of the line and loses its beginning where that is not enough.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::command::qshape {

struct Shape {
    int buckets = 10;                    // -b; the last has no limit
    double bucket_minutes = 5;           // -t: the limit of the first
    bool linear = false;                 // -l: limits are multiples; otherwise each is twice the one before
    bool parents = false;                // -p: lines for parent domains
    std::size_t minimum_subdomains = 5;  // -m: that a parent domain needs
    std::size_t line_width = 80;         // -w
};

class Distribution {
public:
    explicit Distribution(Shape shape);

    // One message or recipient; its domain is what follows the last @ of the address, in lower case. An address
    // without one stands for itself. An age below 0 counts as new.
    void add(std::string_view address, double age_minutes);
    // Heading, the total, and the domains with the highest counts first; shorter names come before longer ones.
    [[nodiscard]] std::string table(std::size_t most_domains = std::numeric_limits<std::size_t>::max()) const;

private:
    using Counts = std::vector<std::uint64_t>;  // the total, then one a bucket
    struct Row {
        std::string name;
        const Counts* counts;
    };
    [[nodiscard]] std::map<std::string, Counts> parent_domains() const;
    [[nodiscard]] std::vector<std::string> heading() const;

    Shape shape_;
    std::vector<double> limits_;  // of all buckets but the last, in minutes
    Counts total_;
    std::map<std::string, Counts, std::less<>> domains_;
};

// Shortened at its beginning: "+" and the end; ".+" and the end for a parent domain.
std::string fitted_name(const std::string& name, std::size_t width);

}  // namespace posthaste::command::qshape
