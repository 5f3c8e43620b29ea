// client_connection.h — the client's end of an SMTP or LMTP connection: commands out, replies in.
//
// No policy: it knows neither queue nor recipients. Errors say how the conversation broke: Timeout, Invalid (what came
// was no reply), Temporary (the reply filter did not answer), anything else: the connection is lost. After an error the
// connection is of no use.
//
// A time limit bounds each read and each write, so that a slow peer is waited for as long as something happens. With
// per_request_deadline it bounds a whole request and a whole reply, and content earns time by its bytes.
//
// Life time: one connection; owned by a session. One task at a time.
#pragma once

#include "net/stream.h"
#include "smtp/client_reply.h"
#include "smtp/transcript.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace posthaste::smtp {

// What becomes of a line of a reply, without its line end, before anybody looks at it (postconf(5) smtp_reply_filter).
using ReplyFilter = std::function<Task<Result<std::string>>(std::string line)>;

// Is told what is said, one or more lines with their ends at a time; content is left out but for the dot at its end.
enum class Direction : std::uint8_t { Received, Sent };
using Observer = std::function<void(Direction direction, std::string_view lines)>;

struct ConnectionOptions {
    bool per_request_deadline = false;  // postconf(5) smtp_per_request_deadline
    unsigned min_data_rate = 500;       // bytes of content that earn a second then; not 0
    ReplyFilter reply_filter;           // none: lines stay as they came
    Observer observer;                  // none: nobody listens
};

class ClientConnection {
public:
    ClientConnection(net::Stream stream, ConnectionOptions options)
        : stream_(std::move(stream)), options_(std::move(options))
    {
    }

    Task<Result<PeerReply>> read_reply(std::chrono::seconds timeout);
    // The same for EHLO: also the lines, as the filter left them.
    Task<Result<PeerReply>> read_reply(std::chrono::seconds timeout, std::string* lines);
    // For the observer: what somebody sends by other means than send().
    void observe_sent(std::string_view lines) const
    {
        if (options_.observer)
            options_.observer(Direction::Sent, lines);
    }
    // One or more complete command lines.
    Task<Result<void>> send(std::string_view commands, std::chrono::seconds timeout);
    Task<Result<PeerReply>> command(std::string_view line, std::chrono::seconds timeout);
    // Content follows: any number of send_content(), which share the time (smtp_data_xfer_timeout).
    void begin_content(std::chrono::seconds timeout);
    Task<Result<void>> send_content(std::string_view bytes);

    // False when the server has closed, or has said something that nobody asked for ("421 idle too long"). Bytes that
    // are left over from an earlier reply count, too.
    bool is_quiet();
    net::Stream& stream() { return stream_; }
    // From now on commands and replies are kept, content is not.
    void keep_transcript() { transcript_ = std::make_unique<Transcript>(); }
    [[nodiscard]] const Transcript* transcript() const { return transcript_.get(); }

private:
    Task<Result<bool>> filter_line(std::string* filtered);

    net::Stream stream_;
    ConnectionOptions options_;
    net::Clock::duration content_limit_{};
    net::Clock::duration content_left_{};
    std::unique_ptr<Transcript> transcript_;
};

}  // namespace posthaste::smtp
