// The header on its way into the queue: read line by line, copied unchanged where nothing is to be done.
//
// A pure state machine from lines to text: feed() takes whole CRLF lines and appends what is to be stored. Headers
// that must be seen whole (addresses in the local context, message ids) are collected until their last line; all
// others pass in runs of lines, without being copied twice. It stops at the empty line, or at the first line that can
// be no header line: then the body begins there (an empty line belongs in between). Limits: header_size_limit bytes
// per header, what exceeds them is cut off; hopcount_limit is judged by the caller.
//
// Not built on mime::HeaderScanner on purpose: that one hands out whole headers with unfolded line ends, for which it
// copies every line once more. Every message passes here, and most of its lines go straight from the buffer they came
// in to the draft. What makes a header line is said in one place for both, mime::header_name_length().
#pragma once

#include "intake/header_kind.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::intake {

// In which context the addresses of a header are brought into standard form (postconf(5)
// local_header_rewrite_clients, remote_header_rewrite_domain); Off: they stay as they are.
enum class AddressRewriting : std::uint8_t { Off, Local, Remote };

// What is done to every header; made once from the configuration.
struct HeaderRules {
    std::vector<std::string> drop;  // message_drop_headers, in lower case
    std::size_t size_limit = 102400;
    std::size_t token_limit = 10240;
    // The canonical form of an address as it stands in a header (quoted local part).
    std::function<std::string(std::string_view, AddressRewriting)> canonical_form;
};

// A header with addresses in the text that feed() made.
struct HeaderPlace {
    std::size_t begin = 0;
    std::size_t size = 0;
    HeaderRole role = HeaderRole::None;
};

// One message's header. Owned by the message; refers to the rules.
class HeaderPass {
public:
    HeaderPass(const HeaderRules& rules, AddressRewriting rewriting) : rules_(&rules), rewriting_(rewriting) {}

    // Headers with addresses are noted here: positions in `out`, which the caller must leave as it is between calls.
    // Only with rewriting.
    void note_addresses(std::vector<HeaderPlace>* places) { places_ = places; }
    // Takes whole lines until the header ends, appends what is stored to out, and returns how many bytes it took. The
    // empty line at the end is taken but not appended: the caller may have more headers to add before it.
    std::size_t feed(std::string_view crlf_lines, std::string& out);
    // The headers so far are complete: a line that begins with white space is no continuation of them.
    void separate(std::string& out);
    // The content ends here, or the header must.
    void finish(std::string& out);

    enum class End : std::uint8_t {
        Open,       // header lines may follow
        EmptyLine,  // as it should be
        NotHeader,  // a line that is no header line begins the body
        Content,    // finish() was called: there is no body
    };
    [[nodiscard]] End end() const { return end_; }
    [[nodiscard]] bool seen(HeaderKind kind) const { return (seen_ & bit(kind)) != 0; }
    [[nodiscard]] bool seen_resent() const { return seen_resent_; }
    // Content-Transfer-Encoding: 8bit or binary (postconf(5) detect_8bit_encoding_header).
    [[nodiscard]] bool says_eight_bit() const { return says_eight_bit_; }
    [[nodiscard]] unsigned hops() const { return hops_; }
    [[nodiscard]] const std::string& message_id() const { return message_id_; }
    [[nodiscard]] const std::string& resent_message_id() const { return resent_message_id_; }

private:
    enum class Mode : std::uint8_t { None, Pass, Collect, Drop };
    static std::uint32_t bit(HeaderKind kind) { return std::uint32_t{1} << static_cast<unsigned>(kind); }
    bool take_line(std::string_view line, std::string& out);
    void open_header(std::string_view name);
    void close_header(std::string& out);
    void store(std::string_view line, std::string& out);
    void rewrite_addresses(std::string& out) const;
    [[nodiscard]] bool is_dropped(std::string_view name) const;

    const HeaderRules* rules_;
    std::vector<HeaderPlace>* places_ = nullptr;
    std::string collected_;
    std::string message_id_;
    std::string resent_message_id_;
    std::size_t stored_ = 0;  // bytes of the current header
    std::uint32_t seen_ = 0;
    unsigned hops_ = 0;
    AddressRewriting rewriting_;
    HeaderKind kind_ = HeaderKind::Other;
    Mode mode_ = Mode::None;
    End end_ = End::Open;
    bool seen_resent_ = false;
    bool says_eight_bit_ = false;
};

}  // namespace posthaste::intake
