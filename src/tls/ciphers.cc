// ciphers.cc — see ciphers.h.
#include "tls/ciphers.h"

#include "base/text.h"

namespace posthaste::tls {

Result<std::string> cipher_list(std::string_view grade, const CipherLists& lists, std::string_view exclusions)
{
    std::string list;
    if (equal_ignoring_case(grade, "high"))
        list = lists.high;
    else if (equal_ignoring_case(grade, "medium") || equal_ignoring_case(grade, "low") ||
             equal_ignoring_case(grade, "export"))
        list = lists.medium;
    else if (equal_ignoring_case(grade, "null"))
        list = lists.null;
    else
        return fail(ErrorKind::Invalid, "invalid TLS cipher grade: \"" + std::string(grade) + "\"");
    for (std::string_view word : split(exclusions, ", \t\r\n:"))
        (list += ":!") += word;
    return list;
}

}  // namespace posthaste::tls
