// The attribute coding that Postfix's processes and the readers of public/showq speak: a list of
// "name NUL value NUL" pairs that ends with an empty name (a single NUL). Values hold no NUL.
//
// AttributeWriter builds one list, AttributeReader walks one; complete_list() finds where a list ends in a buffer
// that is still being filled. Limits: a list has at most max_list_bytes bytes.
#pragma once

#include "base/result.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::ipc {

inline constexpr std::size_t max_list_bytes = std::size_t{16} << 20;

class AttributeWriter {
public:
    explicit AttributeWriter(std::string& out) : out_(&out) {}
    void put(std::string_view name, std::string_view value);  // a NUL in value becomes '?'
    void put(std::string_view name, std::integral auto number) { put(name, std::string_view(std::to_string(number))); }
    void end() { out_->push_back('\0'); }

private:
    std::string* out_;
};

struct Attribute {
    std::string_view name;
    std::string_view value;
};

class AttributeReader {
public:
    explicit AttributeReader(std::string_view bytes) : rest_(bytes) {}
    // The next pair of this list; no value at its end. Invalid when the bytes stop in the middle.
    Result<std::optional<Attribute>> next();
    [[nodiscard]] std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

// The length of the list at the start of bytes, its final NUL included; no value while it is incomplete.
// Limit when it is longer than max_list_bytes.
Result<std::optional<std::size_t>> complete_list(std::string_view bytes);

}  // namespace posthaste::ipc
