// The verdicts of intake, see rejection.h. Codes and wording are those that Postfix's cleanup answers with.
#include "intake/rejection.h"

#include <fmt/format.h>

namespace posthaste::intake {

Rejection::Rejection(Error error) : detail(error.text())
{
    if (error.kind() == ErrorKind::NoSpace) {
        smtp_code = 452;
        code = {4, 3, 1};
        text = "insufficient system storage";
    }
}

std::string Rejection::reply() const { return fmt::format("{} {}", smtp_code, reply_text()); }

std::string Rejection::reply_text() const
{
    return fmt::format("{} {}{}", code.text(), says_error ? "Error: " : "", text);
}

Rejection Rejection::message_too_big() { return {Fault::Message, 552, {5, 3, 4}, "message file too big"}; }
Rejection Rejection::too_many_hops() { return {Fault::Message, 554, {5, 4, 0}, "too many hops"}; }
Rejection Rejection::no_recipients() { return {Fault::Message, 554, {5, 5, 1}, "no valid recipients"}; }
Rejection Rejection::bad_address() { return {Fault::Message, 501, {5, 1, 3}, "bad address syntax"}; }

Rejection Rejection::alias_expansion()
{
    Rejection rejection(Fault::System, 451, {4, 6, 0}, "Alias expansion error");
    rejection.says_error = false;
    return rejection;
}

}  // namespace posthaste::intake
