// incoming.cc — see incoming.h.
#include "daemon/smtpd/incoming.h"

#include <utility>

namespace posthaste::smtpd {

namespace {

class Queued final : public Incoming {
public:
    explicit Queued(intake::Message message) : message_(std::move(message)) {}

    [[nodiscard]] const std::string& queue_id() const override { return message_.queue_id(); }
    queue::Envelope& envelope() override { return message_.envelope(); }
    void add_own_headers(std::string_view crlf_lines) override { message_.add_own_headers(crlf_lines); }
    void hold() override { message_.hold(); }
    void add_lines(std::string_view crlf_lines) override { message_.add_lines(crlf_lines); }
    [[nodiscard]] bool unsettled() const override { return message_.unsettled(); }
    Task<void> settle() override { return message_.settle(); }
    [[nodiscard]] std::uint64_t size() const override { return message_.size(); }

    Task<intake::Accepted<std::string>> finish() override
    {
        auto finished = co_await message_.finish();
        if (!finished)
            co_return std::unexpected(std::move(finished.error()));
        co_return finished->queue_id();
    }

private:
    intake::Message message_;
};

}  // namespace

intake::Accepted<std::unique_ptr<Incoming>> begin_queued(intake::Pipeline& pipeline, const intake::Source& source)
{
    auto message = pipeline.begin(source);
    if (!message)
        return std::unexpected(std::move(message.error()));
    return std::make_unique<Queued>(std::move(*message));
}

}  // namespace posthaste::smtpd
