// stream.cc — see stream.h.
#include "net/stream.h"

#include "net/send_batch.h"
#include "net/tcp_window.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace posthaste::net {

namespace {
// What is read at once. A stream whose buffer has no room for that much reads into scratch space that all streams
// share, and keeps what came: a command takes a few bytes, a message of usual size takes one read.
constexpr std::size_t read_size = 65536;
constexpr std::size_t worth_reading_into = 16384;

using Wait = StreamLayer::Wait;

bool would_wait(int error) { return error == EAGAIN || error == EWOULDBLOCK; }

ssize_t send_now(int fd, std::string_view first, std::string_view second)
{
    if (second.empty())
        return ::send(fd, first.data(), first.size(), MSG_NOSIGNAL);
    iovec parts[2] = {{const_cast<char*>(first.data()), first.size()},
                      {const_cast<char*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    return ::sendmsg(fd, &message, MSG_NOSIGNAL);
}

Watch::Direction direction_of(Wait wait)
{
    return wait == Wait::Write ? Watch::Direction::Write : Watch::Direction::Read;
}

// One byte and room for one descriptor with it, for sendmsg() and recvmsg(). Points into itself: stays where it is.
struct DescriptorMessage {
    DescriptorMessage()
    {
        header.msg_iov = &part;
        header.msg_iovlen = 1;
        header.msg_control = control;
        header.msg_controllen = sizeof control;
    }
    DescriptorMessage(const DescriptorMessage&) = delete;
    DescriptorMessage& operator=(const DescriptorMessage&) = delete;

    char byte = 0;
    iovec part{&byte, 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr header{};
};
}  // namespace

Stream::Stream(UniqueFd fd) : fd_(std::move(fd)), watch_(std::make_unique<Watch>(fd_.get())) {}

Result<Stream::Moved> Stream::read_socket(std::span<char> buffer)
{
    for (;;) {
        ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
        if (n >= 0) {
            drained_ = n > 0 && static_cast<std::size_t>(n) < buffer.size() ? Wait::Read : Wait::None;
            return Moved{.bytes = static_cast<std::size_t>(n), .wait = Wait::None};
        }
        if (would_wait(errno)) {
            drained_ = Wait::Read;
            return Moved{.bytes = 0, .wait = Wait::Read};
        }
        if (errno != EINTR)
            return fail_errno("read");
    }
}

Result<Stream::Moved> Stream::read_now(std::span<char> buffer)
{
    if (!layer_)
        return read_socket(buffer);
    TRY(Moved moved, layer_->read(buffer));
    drained_ = moved.wait;
    return moved;
}

// A part of the two pieces, or what to wait for.
Result<Stream::Moved> Stream::write_now(std::string_view first, std::string_view second)
{
    if (layer_)
        return layer_->write(first.empty() ? second : first);
    for (;;) {
        const ssize_t n = send_now(fd_.get(), first, second);
        if (n >= 0)
            return Moved{.bytes = static_cast<std::size_t>(n), .wait = Wait::None};
        if (would_wait(errno))
            return Moved{.bytes = 0, .wait = Wait::Write};
        if (errno != EINTR)
            return fail_errno("write");
    }
}

// Moves what is buffered to the front, so that the rest of the buffer is free.
void Stream::make_room()
{
    if (begin_ > 0 && begin_ < end_)
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
}

Result<bool> Stream::fill_now()
{
    static const auto scratch = std::make_unique<std::array<char, read_size>>();  // of the loop's thread
    if (!fd_)
        return fail(ErrorKind::Cancelled, "connection closed");
    make_room();
    std::span<char> room = std::span(buffer_).subspan(end_);
    const bool direct = room.size() >= worth_reading_into;
    TRY(Moved got, read_now(direct ? room : std::span(*scratch)));
    if (got.wait != Wait::None)
        return false;
    if (got.bytes == 0)
        return fail(ErrorKind::Closed, "end of stream");
    if (!direct) {
        buffer_.resize(end_);
        buffer_.insert(buffer_.end(), scratch->data(), scratch->data() + got.bytes);
    }
    end_ += got.bytes;
    return true;
}

Task<Result<void>> Stream::fill(Deadline deadline)
{
    for (;;) {
        if (drained_ != Wait::None) {
            if (!fd_)
                co_return fail(ErrorKind::Cancelled, "connection closed");
            if (begin_ == end_) {
                begin_ = end_ = 0;
                std::vector<char>().swap(buffer_);
            }
            CO_TRY(co_await watch_->wait(direction_of(drained_), deadline));
            drained_ = Wait::None;
        }
        CO_TRY(bool got, fill_now());
        if (got)
            co_return Result<void>{};
    }
}

Task<Result<void>> Stream::write_all(std::string_view bytes, Deadline deadline)
{
    return write_all(bytes, std::string_view(), deadline);
}

Task<Result<void>> Stream::write_all(std::string_view first, std::string_view second, Deadline deadline)
{
    while (!first.empty() || !second.empty()) {
        if (!fd_)
            co_return fail(ErrorKind::Cancelled, "connection closed");
        CO_TRY(Moved sent, write_now(first, second));
        if (sent.wait != Wait::None) {
            CO_TRY(co_await watch_->wait(direction_of(sent.wait), deadline));
            continue;
        }
        const std::size_t from_first = std::min(first.size(), sent.bytes);
        first.remove_prefix(from_first);
        second.remove_prefix(sent.bytes - from_first);
    }
    co_return Result<void>{};
}

Task<Result<void>> Stream::write_together(std::string_view bytes, Deadline deadline)
{
    if (fd_ && !layer_) {
        const int sent = co_await Loop::current().sends().send(fd_.get(), bytes);
        if (sent < 0 && fd_ && !would_wait(-sent) && sent != -EINTR)
            co_return fail(Error::system(-sent, "write"));
        if (sent > 0)
            bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    co_return co_await write_all(bytes, deadline);
}

Task<Result<std::size_t>> Stream::write_some(std::string_view bytes, Deadline deadline)
{
    for (;;) {
        if (!fd_)
            co_return fail(ErrorKind::Cancelled, "connection closed");
        CO_TRY(Moved sent, write_now(bytes, std::string_view()));
        if (sent.wait == Wait::None)
            co_return sent.bytes;
        CO_TRY(co_await watch_->wait(direction_of(sent.wait), deadline));
    }
}

void Stream::write_without_waiting(std::string_view bytes)
{
    while (fd_ && !bytes.empty()) {
        auto sent = write_now(bytes, std::string_view());
        if (!sent || sent->wait != Wait::None)
            return;
        bytes.remove_prefix(sent->bytes);
    }
}

void Stream::put_on(std::unique_ptr<StreamLayer> layer)
{
    consume(end_ - begin_);
    drained_ = Wait::None;
    layer_ = std::move(layer);
}

Task<Result<UniqueFd>> Stream::receive_fd(Deadline deadline)
{
    for (;;) {
        DescriptorMessage message;
        ssize_t n = ::recvmsg(fd_.get(), &message.header, MSG_CMSG_CLOEXEC);
        drained_ = Wait::None;
        if (n < 0 && would_wait(errno)) {
            CO_TRY(co_await watch_->wait(Watch::Direction::Read, deadline));
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            co_return fail_errno("receive descriptor");
        cmsghdr* header = CMSG_FIRSTHDR(&message.header);
        if (n == 0 || !header || header->cmsg_type != SCM_RIGHTS)
            co_return fail(ErrorKind::Closed, "peer sent no descriptor");
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
        co_return UniqueFd(fd);
    }
}

Task<Result<void>> Stream::wait_for(StreamLayer::Wait wait, Deadline deadline)
{
    if (!fd_)
        co_return fail(ErrorKind::Cancelled, "connection closed");
    co_return co_await watch_->wait(direction_of(wait), deadline);
}

void Stream::end_layer()
{
    if (layer_)
        layer_->end();
}

void Stream::shutdown_write()
{
    end_layer();
    if (fd_)
        ::shutdown(fd_.get(), SHUT_WR);
}

void Stream::close()
{
    if (watch_)
        watch_->cancel();
    watch_.reset();
    layer_.reset();
    Loop::current().sends().cancel(fd_.get());
    fd_.reset();
}

UniqueFd Stream::release()
{
    watch_.reset();
    return std::move(fd_);
}

Task<Result<Stream>> connect(Endpoint endpoint, Deadline deadline, Endpoint bind_to)
{
    UniqueFd fd(::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd)
        co_return fail_errno("socket");
    if (!endpoint.is_unix()) {
        int one = 1;
        ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        apply_tcp_window(fd.get());
    }
    if (bind_to.size() > 0 && ::bind(fd.get(), bind_to.data(), bind_to.size()) != 0)
        co_return fail_errno("bind " + bind_to.text());
    int connected;
    do
        connected = ::connect(fd.get(), endpoint.data(), endpoint.size());
    while (connected != 0 && errno == EINTR);
    if (connected != 0 && errno != EINPROGRESS && !would_wait(errno))
        co_return fail_errno("connect to " + endpoint.text());
    if (connected != 0 && endpoint.is_unix()) {
        // EAGAIN on a UNIX socket: the listener's queue is full. There is nothing to wait for but time.
        while (connected != 0) {
            if (deadline.passed())
                co_return fail(ErrorKind::Timeout, "connect to " + endpoint.text() + ": timed out");
            co_await sleep_for(std::chrono::milliseconds(10));
            connected = ::connect(fd.get(), endpoint.data(), endpoint.size());
            if (connected != 0 && !would_wait(errno))
                co_return fail_errno("connect to " + endpoint.text());
        }
    } else if (connected != 0) {
        {
            Watch watch(fd.get());
            CO_TRY(co_await watch.wait(Watch::Direction::Write, deadline));
        }
        int error = 0;
        socklen_t size = sizeof error;
        if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0)
            error = errno;
        if (error != 0)
            co_return fail(Error::system(error, "connect to " + endpoint.text()));
    }
    co_return Stream(std::move(fd));
}

Listener::Listener(UniqueFd fd) : fd_(std::move(fd)), watch_(fd_.get(), Watch::Sharing::WithOthers) {}

Result<std::optional<Listener::Accepted>> Listener::accept_now()
{
    for (;;) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        int fd = ::accept4(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            Endpoint peer(reinterpret_cast<sockaddr*>(&address), size);
            if (!peer.is_unix()) {
                int one = 1;
                ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
            }
            return Accepted{Stream(UniqueFd(fd)), peer};
        }
        switch (errno) {
        case EINTR:
        case ECONNABORTED: continue;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM: return fail(ErrorKind::Limit, std::string("accept: ") + std::strerror(errno));
        default:
            if (!would_wait(errno))
                return fail_errno("accept");
            return std::nullopt;
        }
    }
}

Task<Result<Listener::Accepted>> Listener::accept(Deadline deadline)
{
    for (;;) {
        CO_TRY(std::optional<Accepted> accepted, accept_now());
        if (accepted)
            co_return std::move(*accepted);
        CO_TRY(co_await wait(deadline));
    }
}

}  // namespace posthaste::net
