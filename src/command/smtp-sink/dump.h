// Dump files of smtp-sink: one for each message (-d), or one for all (-D). smtp-sink(1) "DUMP FILE FORMAT".
//
// The text is collected in memory; of a file of its own, parts go to disk as they come, a shared file gets a message
// in one write, so that messages of several sessions do not mix.
#pragma once

#include "base/fd.h"
#include "base/result.h"
#include "command/smtp-sink/options.h"
#include "smtp/data_decoder.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::command::smtp_sink {

// What is known of a message before its content. Arguments are as the client sent them, without FROM: and TO:.
struct Envelope {
    std::string client;    // address
    std::string protocol;  // SMTP, ESMTP, LMTP
    std::string helo;
    std::string sender;
    std::vector<std::string> recipients;
};

// One message on its way to a file. Owned by its session; destroyed before finish(), it leaves no file.
class Dump final : public smtp::ContentSink {
public:
    static Result<std::unique_ptr<Dump>> begin(const Options& options, const Envelope& envelope);
    ~Dump() override;
    Dump(const Dump&) = delete;
    Dump& operator=(const Dump&) = delete;

    void add_lines(std::string_view crlf_lines) override;
    // Errors of earlier writes come here.
    Result<void> finish();

private:
    Dump(UniqueFd file, std::string path, bool shared) : file_(std::move(file)), path_(std::move(path)), shared_(shared)
    {
    }
    void write_out();

    UniqueFd file_;
    std::string path_;
    std::string text_;
    Result<void> result_;
    bool shared_;
    bool finished_ = false;
};

// The headers that go before a message.
std::string dump_headers(const Options& options, const Envelope& envelope, std::string_view id);

}  // namespace posthaste::command::smtp_sink
