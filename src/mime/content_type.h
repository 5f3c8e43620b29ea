// content_type.h — what Content-Type: and Content-Transfer-Encoding: say about the structure of a message. RFC
// 2045 5.1, 6.1.
//
// Pure functions from a header's value to what a structure scanner needs: whether parts follow, what is between them,
// and which bytes the body may have. Comments and folding are skipped; what makes no sense is "other".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthaste::mime {

enum class MediaType : std::uint8_t {
    Other,
    Multipart,
    Digest,         // multipart/digest: its parts are messages unless they say otherwise (RFC 2046 5.1.5)
    NestedMessage,  // message/rfc822: a message with a header of its own
    GlobalMessage,  // message/global: the same, and it may be encoded (RFC 6532 3.7)
};

struct ContentType {
    MediaType media = MediaType::Other;
    std::string boundary;  // of multipart; empty: there is none
};
ContentType parse_content_type(std::string_view value);

enum class TransferEncoding : std::uint8_t { SevenBit, EightBit, Binary, QuotedPrintable, Base64, Unknown };
TransferEncoding parse_transfer_encoding(std::string_view value);
// As it stands in a header; empty: Unknown.
std::string_view name(TransferEncoding encoding);

}  // namespace posthaste::mime
