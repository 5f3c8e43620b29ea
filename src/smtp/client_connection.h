// client_connection.h — the client's end of an SMTP or LMTP connection: commands out, replies in.
//
// No policy: it knows neither queue nor recipients. Errors say how the conversation broke: Timeout, Invalid (what came
// was no reply), anything else: the connection is lost. After an error the connection is of no use.
//
// Life time: one connection; owned by a session. One task at a time.
#pragma once

#include "net/stream.h"
#include "smtp/client_reply.h"
#include "smtp/transcript.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace posthaste::smtp {

class ClientConnection {
public:
    explicit ClientConnection(net::Stream stream) : stream_(std::move(stream)) {}

    Task<Result<PeerReply>> read_reply(std::chrono::seconds timeout);
    // The same for EHLO: also the lines as they came.
    Task<Result<PeerReply>> read_reply(std::chrono::seconds timeout, std::string* lines);
    // One or more complete command lines.
    Task<Result<void>> send(std::string_view commands, std::chrono::seconds timeout);
    Task<Result<PeerReply>> command(std::string_view line, std::chrono::seconds timeout);
    // Content of any size; the timeout bounds each step of 256 KiB, not the whole (smtp_data_xfer_timeout).
    Task<Result<void>> send_content(std::string_view bytes, std::chrono::seconds timeout);

    // False when the server has closed, or has said something that nobody asked for ("421 idle too long"). Bytes that
    // are left over from an earlier reply count, too.
    bool is_quiet();
    net::Stream& stream() { return stream_; }
    // From now on commands and replies are kept, content is not.
    void keep_transcript() { transcript_ = std::make_unique<Transcript>(); }
    [[nodiscard]] const Transcript* transcript() const { return transcript_.get(); }

private:
    net::Stream stream_;
    std::unique_ptr<Transcript> transcript_;
};

}  // namespace posthaste::smtp
