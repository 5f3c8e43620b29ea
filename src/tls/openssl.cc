// openssl.cc — see openssl.h.
#include "tls/openssl.h"

#include <fmt/format.h>
#include <openssl/err.h>

namespace posthaste::tls {

Result<Bio> open_text(const std::string& text)
{
    Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    if (!bio)
        return fail(ErrorKind::Limit, "out of memory");
    return bio;
}

std::vector<std::string> take_errors()
{
    std::vector<std::string> errors;
    const char* file = nullptr;
    const char* data = nullptr;
    int line = 0;
    int flags = 0;
    while (const unsigned long code = ERR_get_error_all(&file, &line, nullptr, &data, &flags)) {
        char text[256];
        ERR_error_string_n(code, text, sizeof text);
        errors.push_back(fmt::format("{}:{}:{}:{}", text, file, line, (flags & ERR_TXT_STRING) != 0 ? data : ""));
    }
    return errors;
}

std::string take_error(std::string_view otherwise)
{
    std::vector<std::string> errors = take_errors();
    return errors.empty() ? std::string(otherwise) : std::move(errors.front());
}

}  // namespace posthaste::tls
