// options.h — words of postconf(5) for single bits of OpenSSL.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::tls {

// tls_ssl_options: bits to switch on. Words, or a number ("0x40000000"), separated by white space and commas. Those
// that do not exist go to unknown.
std::uint64_t parse_options(std::string_view text, std::vector<std::string>& unknown);
// tls_disable_workarounds, the same: bits to switch off. A workaround that OpenSSL no longer has is 0.
std::uint64_t parse_workarounds(std::string_view text, std::vector<std::string>& unknown);

}  // namespace posthaste::tls
