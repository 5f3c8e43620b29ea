// ciphers.h — which ciphers may be used: the grades of postconf(5) smtpd_tls_ciphers and its like. They are about
// TLS 1.2 and older; the ciphers of TLS 1.3 are all good, and always on.
#pragma once

#include "base/result.h"

#include <string>
#include <string_view>

namespace posthaste::tls {

// tls_high_cipherlist and its like, in OpenSSL's language (ciphers(1)).
struct CipherLists {
    std::string high;
    std::string medium;
    std::string null;
};

// What a grade (high, medium, null; low and export are taken for medium) means, without what is excluded: words as
// ciphers(1) has them, separated by white space, commas and colons. Invalid: no such grade.
Result<std::string> cipher_list(std::string_view grade, const CipherLists& lists, std::string_view exclusions);

}  // namespace posthaste::tls
