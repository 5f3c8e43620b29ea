// What stands between a stream and its socket. The layer has the socket itself; a stream calls it where it would call
// recv() and send(), and waits as it is told to.
#pragma once

#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace posthaste::net {

class StreamLayer {
public:
    StreamLayer() = default;
    StreamLayer(const StreamLayer&) = delete;
    StreamLayer& operator=(const StreamLayer&) = delete;
    virtual ~StreamLayer() = default;

    // What the socket must be ready for before the same call is made again. None: bytes were moved, or the peer ended.
    enum class Wait : std::uint8_t { None, Read, Write };
    struct Moved {
        std::size_t bytes = 0;
        Wait wait = Wait::None;
    };

    // At least one byte, or a wait; neither at the end of the stream. Errors: Closed, Io.
    virtual Result<Moved> read(std::span<char> into) = 0;
    // At least one byte of several, or a wait. After a wait the next call must begin with the same bytes, which may
    // stand elsewhere.
    virtual Result<Moved> write(std::string_view bytes) = 0;
    // Tells the peer that nothing more comes, as far as that goes without waiting. The layer only reads then.
    virtual void end() = 0;
};

}  // namespace posthaste::net
