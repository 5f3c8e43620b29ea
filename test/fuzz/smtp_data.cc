// Bytes after DATA, whole and in pieces: the pieces must not matter, and what comes out must be whole lines that hold
// no end of data for the next hop.
#include "smtp/data_decoder.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

using namespace posthaste;

namespace {

struct Collected final : smtp::ContentSink {
    std::string text;
    void add_lines(std::string_view crlf_lines) override
    {
        if (!crlf_lines.ends_with("\r\n"))
            std::abort();
        text += crlf_lines;
    }
};

std::string decode(std::string_view input, smtp::BareNewline mode, std::size_t step)
{
    smtp::DataDecoder decoder(mode);
    Collected sink;
    std::string buffer;
    while (!decoder.finished() && !input.empty()) {
        buffer += input.substr(0, step);
        input.remove_prefix(std::min(step, input.size()));
        buffer.erase(0, decoder.feed(buffer, sink));
    }
    return sink.text + (decoder.finished() ? "finished" : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::string_view input(reinterpret_cast<const char*>(data), size);
    for (auto mode : {smtp::BareNewline::Normalize, smtp::BareNewline::Allow}) {
        std::string whole = decode(input, mode, size + 1);
        if (decode(input, mode, 1) != whole || decode(input, mode, 7) != whole)
            std::abort();
    }
    return 0;
}
