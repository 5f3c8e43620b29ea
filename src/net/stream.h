// Byte streams over non-blocking sockets, with a read buffer that costs nothing while a connection is idle.
//
// An operation first tries the system call and waits when the kernel says so; after a read that found less than it
// asked for, the next one waits first. At most one task reads and
// one task writes at a time. close() makes waiting operations end with Cancelled.
//
// A StreamLayer that a stream was given stands between it and the socket: TLS (tls/connection.h).
#pragma once

#include "base/fd.h"
#include "net/endpoint.h"
#include "net/loop.h"
#include "net/stream_layer.h"
#include "net/task.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/uio.h>
#include <vector>

namespace posthaste::net {

class Stream {
public:
    Stream() = default;
    explicit Stream(UniqueFd fd);  // must be non-blocking
    Stream(Stream&&) noexcept = default;
    Stream& operator=(Stream&&) noexcept = default;
    ~Stream() = default;

    // Errors of all operations: Timeout, Closed (by the peer), Cancelled (by close()), Io.
    Task<Result<void>> write_all(std::string_view bytes, Deadline deadline);
    Task<Result<void>> write_all(std::string_view first, std::string_view second, Deadline deadline);
    // The same, at the end of this turn of the loop, with what others have to send then (send_batch.h): for answers to
    // many clients. Through a layer: at once.
    Task<Result<void>> write_together(std::string_view bytes, Deadline deadline);
    // As much as the socket takes now, one byte at least: how many.
    Task<Result<std::size_t>> write_some(std::string_view bytes, Deadline deadline);

    // The buffered side. buffered() is what has been read and not consumed; fill() appends at least one byte to it
    // (Closed at the end of the stream). The buffer is freed while it is empty and the task waits.
    [[nodiscard]] std::string_view buffered() const { return {buffer_.data() + begin_, end_ - begin_}; }
    void consume(std::size_t count) { begin_ += count; }
    Task<Result<void>> fill(Deadline deadline);
    // Appends what is in the socket right now without waiting: false if there was nothing.
    Result<bool> fill_now();

    // From here on bytes go through the layer. What was read before and not consumed is thrown away: it was not said
    // inside of TLS, and must not be taken for it (RFC 3207 4.2). Reading and writing are for one task then: either may
    // wait for what the other waits for. Such a stream is not released.
    void put_on(std::unique_ptr<StreamLayer> layer);
    // Sends what goes without waiting; the rest is lost. For a last word to somebody who waits for nothing.
    void write_without_waiting(std::string_view bytes);

    // A descriptor that was passed with one byte of payload (SCM_RIGHTS), UNIX sockets only.
    Task<Result<UniqueFd>> receive_fd(Deadline deadline);

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }
    // The peer is told that nothing more comes, with the layer's own words first.
    void shutdown_write();
    // Only the layer's words: the connection is closed next.
    void end_layer();
    // Wakes waiting operations with Cancelled and closes.
    void close();
    UniqueFd release();
    // Waits until the socket is ready, for Read: until the peer closes or sends something.
    Task<Result<void>> wait_for(StreamLayer::Wait wait, Deadline deadline);

private:
    using Moved = StreamLayer::Moved;
    Result<Moved> read_now(std::span<char> buffer);
    Result<Moved> read_socket(std::span<char> buffer);
    Result<Moved> write_now(std::string_view first, std::string_view second);
    void make_room();

    UniqueFd fd_;
    std::unique_ptr<Watch> watch_;  // destroyed before fd_
    std::unique_ptr<StreamLayer> layer_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    // The last read got less than it asked for, or nothing: what to wait for before the next one.
    StreamLayer::Wait drained_ = StreamLayer::Wait::None;
};

// Connects without blocking. bind_to may be empty (no family) or a local address.
Task<Result<Stream>> connect(Endpoint endpoint, Deadline deadline, Endpoint bind_to = {});

// Accepts connections from a listening socket that it owns or shares with other processes.
class Listener {
public:
    explicit Listener(UniqueFd fd);
    struct Accepted {
        Stream stream;
        Endpoint peer;
    };
    // Waits for a client; another process may take it first, then the wait goes on. Limit: out of descriptors.
    Task<Result<Accepted>> accept(Deadline deadline);
    // The two halves of accept(), for servers that decide in between: wait until a client may be there; take it, or
    // nothing if another process was faster.
    Watch::Wait wait(Deadline deadline) { return watch_.wait(Watch::Direction::Read, deadline); }
    Result<std::optional<Accepted>> accept_now();
    void cancel() { watch_.cancel(); }
    [[nodiscard]] int fd() const { return fd_.get(); }

private:
    UniqueFd fd_;
    Watch watch_;
};

}  // namespace posthaste::net
