// What declare/parameters says about each parameter, as data. The tables are generated (param/table.cc).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace posthaste::config {

enum class Kind : std::uint8_t {
    String,  // $names are expanded
    Raw,     // $names are left to the program that uses the value
    Int,
    Long,
    Bool,
    Time,
};

enum class Status : std::uint8_t {
    Working,
    Planned,   // a setting has no effect yet, and the administrator is told so
    NoEffect,  // a setting has no effect and needs none
    Refused,   // only the default is accepted: anything else cannot be ignored without harm
};

// Defaults that depend on the machine or the process.
enum class DefaultFunction : std::uint8_t { None, Hostname, Domain, Networks, ProcessId, ProcessName, ServiceName };

// What a value that consists of words may be.
struct Words {
    enum class Several : std::uint8_t { No, Yes };  // Yes: separated by comma or white space
    enum class Case : std::uint8_t { Ignored, Counts };
    enum class Empty : std::uint8_t { Refused, Allowed };

    std::string_view possible;  // lower-case, separated by spaces; empty: any text
    Several several = Several::No;
    Case letter_case = Case::Ignored;
    Empty empty = Empty::Refused;
};

struct Declaration {
    std::string_view name;
    std::string_view area;          // the file below declare/parameters
    std::string_view default_text;  // may be an expression
    std::string_view used_by;       // separated by spaces
    std::string_view since;
    std::string_view doc;
    std::string_view reason;  // why it is not Working
    std::int64_t minimum;
    std::int64_t maximum;
    Words words;  // of a String
    Kind kind;
    Status status;
    DefaultFunction function;
    char unit;  // of a time without one
    bool read_only;
    bool file_value;  // a value that begins with / names a file whose first line is the value
};

struct FamilyDeclaration {
    std::string_view suffix;
    std::string_view fallback;
    std::string_view used_by;
    std::string_view doc;
    std::uint16_t fallback_slot;
    Kind kind;
};

// A name of the past: the default of the parameter that took its place refers to it, or nothing does.
struct OldName {
    std::string_view name;
    std::string_view reason;  // why nothing refers to it
};

std::span<const Declaration> declarations();    // sorted by name; the index is the slot
std::span<const FamilyDeclaration> families();  // the index is Family::index
std::span<const OldName> old_names();           // sorted by name

std::optional<std::size_t> find_declaration(std::string_view name);  // its slot
const OldName* find_old_name(std::string_view name);                 // null if it is none
// The family that name belongs to, if it is <service>_<suffix> for this service.
std::optional<std::size_t> find_family(std::string_view name, std::string_view service);

}  // namespace posthaste::config
