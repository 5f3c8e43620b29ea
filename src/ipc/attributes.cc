// attributes.cc — see attributes.h.
#include "ipc/attributes.h"

#include <algorithm>

namespace posthaste::ipc {

void AttributeWriter::put(std::string_view name, std::string_view value)
{
    out_->append(name);
    out_->push_back('\0');
    std::size_t start = out_->size();
    out_->append(value);
    std::replace(out_->begin() + static_cast<std::ptrdiff_t>(start), out_->end(), '\0', '?');
    out_->push_back('\0');
}

Result<std::optional<Attribute>> AttributeReader::next()
{
    std::size_t name_end = rest_.find('\0');
    if (name_end == std::string_view::npos)
        return fail(ErrorKind::Invalid, "attribute list without end");
    if (name_end == 0) {
        rest_.remove_prefix(1);
        return std::optional<Attribute>();
    }
    std::size_t value_end = rest_.find('\0', name_end + 1);
    if (value_end == std::string_view::npos)
        return fail(ErrorKind::Invalid, "attribute without value");
    Attribute attribute{rest_.substr(0, name_end), rest_.substr(name_end + 1, value_end - name_end - 1)};
    rest_.remove_prefix(value_end + 1);
    return std::optional(attribute);
}

Result<std::optional<std::size_t>> complete_list(std::string_view bytes)
{
    std::size_t position = 0;
    for (;;) {
        std::size_t name_end = bytes.find('\0', position);
        if (name_end == position)
            return position + 1;
        std::size_t value_end = name_end == std::string_view::npos ? name_end : bytes.find('\0', name_end + 1);
        if (value_end == std::string_view::npos) {
            if (bytes.size() > max_list_bytes)
                return fail(ErrorKind::Limit, "attribute list is too long");
            return std::optional<std::size_t>();
        }
        position = value_end + 1;
    }
}

}  // namespace posthaste::ipc
