// result.cc — Error construction and panic().
#include "base/result.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace posthaste {

std::string_view name(ErrorKind kind)
{
    switch (kind) {
    case ErrorKind::Invalid: return "invalid";
    case ErrorKind::NotFound: return "not found";
    case ErrorKind::Exists: return "exists";
    case ErrorKind::Denied: return "denied";
    case ErrorKind::Limit: return "limit";
    case ErrorKind::NoSpace: return "no space";
    case ErrorKind::Io: return "input/output";
    case ErrorKind::Timeout: return "timeout";
    case ErrorKind::Closed: return "closed";
    case ErrorKind::Cancelled: return "cancelled";
    case ErrorKind::Corrupt: return "corrupt";
    case ErrorKind::Temporary: return "temporary";
    case ErrorKind::Unsupported: return "unsupported";
    }
    return "unknown";
}

namespace {

ErrorKind kind_of(int error_number)
{
    switch (error_number) {
    case ENOENT: return ErrorKind::NotFound;
    case EEXIST: return ErrorKind::Exists;
    case EACCES:
    case EPERM:
    case EROFS: return ErrorKind::Denied;
    case ENOSPC:
    case EDQUOT: return ErrorKind::NoSpace;
    case ETIMEDOUT: return ErrorKind::Timeout;
    case ECONNRESET:
    case EPIPE: return ErrorKind::Closed;
    case EMFILE:
    case ENFILE: return ErrorKind::Limit;
    default: return ErrorKind::Io;
    }
}

}  // namespace

Error Error::system(int error_number, std::string_view what, std::source_location where)
{
    std::string text(what);
    text += ": ";
    text += std::strerror(error_number);  // NOLINT(concurrency-mt-unsafe): glibc's is thread-safe for known numbers
    return {kind_of(error_number), std::move(text), where};
}

Error Error::in(std::string_view context) &&
{
    text_.insert(0, ": ").insert(0, context);
    return std::move(*this);
}

std::unexpected<Error> fail_errno(std::string_view what, std::source_location where)
{
    return std::unexpected<Error>(Error::system(errno, what, where));
}

namespace {
void (*panic_hook)(std::string_view) = nullptr;
}

void set_panic_hook(void (*hook)(std::string_view text)) { panic_hook = hook; }

void panic(std::string_view text, std::source_location where)
{
    std::fprintf(stderr, "panic: %.*s (%s:%u)\n", static_cast<int>(text.size()), text.data(), where.file_name(),
                 static_cast<unsigned>(where.line()));
    if (auto* hook = std::exchange(panic_hook, nullptr))
        hook(text);
    std::abort();
}

}  // namespace posthaste
