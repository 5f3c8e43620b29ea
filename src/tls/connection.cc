// connection.cc — see connection.h.
#include "tls/connection.h"

#include "tls/context_impl.h"
#include "tls/facts_of.h"

#include <cerrno>
#include <fmt/ranges.h>

namespace posthaste::tls {

namespace {

class Layer final : public net::StreamLayer {
public:
    Layer(SslHandle ssl, std::shared_ptr<const ServerContext> context)
        : context_(std::move(context)), ssl_(std::move(ssl))
    {
    }

    // OpenSSL returns when what it has read ahead held no data for us (SSL_MODE_AUTO_RETRY is off): changes of keys
    // without end would keep the loop from all other clients.
    Result<Moved> read(std::span<char> into) override
    {
        constexpr std::uint64_t most_without_data = 65536;  // bytes
        BIO* socket = SSL_get_rbio(ssl_.get());
        const std::uint64_t before = BIO_number_read(socket);
        while (BIO_number_read(socket) - before < most_without_data) {
            begin();
            std::size_t count = 0;
            const int result = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
            const bool blocked = errno == EAGAIN || errno == EWOULDBLOCK;
            TRY(Moved step, moved(result, count, "read"));
            if (step.wait != Wait::Read || blocked)
                return step;
        }
        failed_ = true;
        return fail(ErrorKind::Invalid, "too many TLS records without data");
    }

    Result<Moved> write(std::string_view bytes) override
    {
        begin();
        std::size_t count = 0;
        TRY(Moved step, moved(SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count), count, "write"));
        unfinished_write_ = step.wait != Wait::None;
        return step;
    }

    void end() override
    {
        take_errors();
        if (!failed_ && !unfinished_write_)
            SSL_shutdown(ssl_.get());  // sends, and does not wait for the peer's
        take_errors();
    }

    // Done, or what to wait for. Bytes are 1 when it is done.
    Result<Moved> accept()
    {
        begin();
        return moved(SSL_accept(ssl_.get()), 1, "TLS handshake");
    }

    [[nodiscard]] SSL* ssl() const { return ssl_.get(); }
    [[nodiscard]] const ServerContext::Impl& context() const { return context_->impl(); }

private:
    // What an earlier call left behind would be taken for this one's.
    static void begin()
    {
        take_errors();
        errno = 0;
    }

    Result<Moved> moved(int result, std::size_t count, std::string_view what)
    {
        if (result == 1)
            return Moved{.bytes = count, .wait = Wait::None};
        const int system_error = errno;
        switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ: return Moved{.bytes = 0, .wait = Wait::Read};
        case SSL_ERROR_WANT_WRITE: return Moved{.bytes = 0, .wait = Wait::Write};
        case SSL_ERROR_ZERO_RETURN: return Moved{.bytes = 0, .wait = Wait::None};
        case SSL_ERROR_SYSCALL:
            failed_ = true;
            take_errors();
            if (system_error == 0)
                return fail(ErrorKind::Closed, std::string(what) + ": connection closed");
            return fail(Error::system(system_error, what));
        default: failed_ = true; return fail(ErrorKind::Invalid, fmt::format("{}", fmt::join(take_errors(), "\n")));
        }
    }

    std::shared_ptr<const ServerContext> context_;
    SslHandle ssl_;
    bool unfinished_write_ = false;  // a record went out in part
    bool failed_ = false;            // then nothing may be sent any more, SSL_shutdown(3)
};

}  // namespace

Task<Result<Facts>> accept(net::Stream* stream, std::shared_ptr<const ServerContext> context, net::Deadline deadline)
{
    SslHandle ssl(SSL_new(context->impl().handle.get()));
    if (!ssl || SSL_set_fd(ssl.get(), stream->fd()) != 1)
        co_return fail(ErrorKind::Limit, "TLS: " + take_error("out of memory"));
    auto layer = std::make_unique<Layer>(std::move(ssl), std::move(context));
    for (;;) {
        CO_TRY(auto step, layer->accept());
        if (step.wait == net::StreamLayer::Wait::None && step.bytes == 0)
            co_return fail(ErrorKind::Closed, "TLS handshake: connection closed");
        if (step.wait == net::StreamLayer::Wait::None)
            break;
        CO_TRY(co_await stream->wait_for(step.wait, deadline));
    }
    Facts facts = facts_of(layer->ssl(), layer->context());
    stream->put_on(std::move(layer));
    co_return facts;
}

}  // namespace posthaste::tls
