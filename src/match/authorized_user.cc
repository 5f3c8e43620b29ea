// authorized_user.cc — see authorized_user.h.
#include "match/authorized_user.h"

#include "match/list.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

namespace posthaste::match {

std::string real_user_name()
{
    const passwd* user = ::getpwuid(::getuid());  // NOLINT(concurrency-mt-unsafe): one thread
    return user == nullptr ? "unknown" : user->pw_name;
}

Result<bool> is_real_user_in(std::string_view parameter, const std::string& list_text)
{
    if (list_text == "static:anyone" || list_text == "static:all")
        return true;  // the defaults: no table need be opened
    auto list = List::parse(list_text, Kind::String);
    if (!list)
        return fail(ErrorKind::Invalid, fmt::format("{}: {}", parameter, list.error().text()));
    auto answer = list->matches_string(real_user_name());
    if (!answer.ready())
        return fail(ErrorKind::Unsupported, fmt::format("{}: network tables cannot be used here", parameter));
    auto matched = answer.take_ready();
    if (!matched)
        return fail(ErrorKind::Temporary, fmt::format("{}: {}", parameter, matched.error().text()));
    return *matched;
}

}  // namespace posthaste::match
