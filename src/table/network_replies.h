// network_replies.h — the replies of table servers as values: pure functions over foreign bytes, fuzzed
// (test/fuzz/*_reply.cc). Each pair says how long a reply is, and what a whole reply means.
#pragma once

#include "table/lookup.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace posthaste::table {

using ReplySize = Result<std::optional<std::size_t>>;

// --- socketmap_table(5): one netstring, "OK data", "NOTFOUND ", "TEMP reason", "TIMEOUT reason", "PERM reason".
// `limit` is the highest length of its content.
ReplySize size_of_netstring(std::string_view received, std::size_t limit);
// An error's text is what the server said: "socketmap server temporary error: reason".
Answer socketmap_answer(std::string_view netstring);

// --- tcp_table(5): one line, "200 text", "400 reason", "500 reason"; the text is %XX-encoded.
constexpr std::size_t tcp_line_limit = 4096;
// Invalid: "malformed reply: ..." or "bad status code: ..."; Temporary: the server's 400.
Answer tcp_answer(std::string_view line);
std::string tcp_encode(std::string_view text);
// Nothing if the encoding is broken.
std::optional<std::string> tcp_decode(std::string_view text);

// --- memcache: "VALUE key flags length\r\n", that many bytes, "\r\nEND\r\n"; "END\r\n" when there is no such key.
struct MemcacheLimits {
    std::size_t line = 1024;
    std::size_t data = 10240;
};
ReplySize size_of_memcache_reply(std::string_view received, const MemcacheLimits& limits);
Answer memcache_answer(std::string_view reply);

// --- redis (RESP2): "$length\r\n", that many bytes, "\r\n"; "$-1\r\n" when there is no such key; "-ERR reason\r\n".
constexpr std::size_t redis_data_limit = 1U << 20U;
ReplySize size_of_redis_reply(std::string_view received);
Answer redis_answer(std::string_view reply);

}  // namespace posthaste::table
