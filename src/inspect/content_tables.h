// The four tables that content is looked up in (header_checks(5)), with the limits that go with them.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "mime/structure_scanner.h"
#include "table/maps.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::inspect {

enum class CheckTable : std::uint8_t { Header, MimeHeader, NestedHeader, Body };
inline constexpr std::size_t check_tables = 4;

// Opened once a process, before the jail; on one thread. Inspectors refer to it.
class ContentTables {
public:
    // Opens one of the tables. `parameter` is the name that messages about it carry. Invalid: no list of tables.
    Result<void> open(CheckTable table, std::string_view parameter, std::string_view value);

    [[nodiscard]] bool has(CheckTable table) const { return !of(table).maps.empty(); }
    [[nodiscard]] bool empty() const;
    [[nodiscard]] const std::string& parameter(CheckTable table) const { return of(table).parameter; }
    table::Maps& maps(CheckTable table) { return tables_[static_cast<std::size_t>(table)].maps; }

    mime::StructureLimits limits;
    mime::Depth depth = mime::Depth::Everything;
    // Text that is said to be 8bit or binary goes on as quoted-printable, and is looked up as such. Not with
    // Depth::PrimaryHeader, which tells nothing of the text.
    bool converts_to_seven_bit = false;
    // The end of the message's header is of interest after PASS, too: Handler::end_header_without_separator().
    bool watches_header_end = false;
    // Bytes of a body segment that are looked at, line ends as one byte (body_checks_size_limit); 0: all.
    std::size_t body_limit = 51200;
    std::size_t line_limit = 2048;  // longer body lines are looked at in pieces (line_length_limit)

private:
    struct Named {
        std::string parameter;
        table::Maps maps;
    };
    [[nodiscard]] const Named& of(CheckTable table) const { return tables_[static_cast<std::size_t>(table)]; }

    std::array<Named, check_tables> tables_;
};

// How far the structure of a message is followed: header_size_limit, mime_boundary_length_limit, mime_nesting_limit.
mime::StructureLimits read_structure_limits(const config::Config& config);

}  // namespace posthaste::inspect
