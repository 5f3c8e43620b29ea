// One connection between two of our processes, and a client that keeps one open and has many calls under way.
//
// Both sides first announce "protocol NUL <name> NUL version NUL <number> NUL NUL" and check the other's. Then each
// message is one length-prefixed attribute list: "<decimal length> NUL" and that many bytes. The length makes
// framing independent of nested lists and lets a reader skip what it does not know.
// (public/showq, public/postlog and the one-byte triggers of public/pickup, public/qmgr and public/flush are
// Postfix's own formats and do not use this framing.)
#pragma once

#include "ipc/message.h"
#include "net/stream.h"
#include "net/tasks.h"

#include <memory>
#include <string>
#include <unordered_map>

namespace posthaste::ipc {

struct Protocol {
    std::string_view name;  // for instance "posthaste_delivery"
    unsigned version = 1;   // a reader accepts its own version and the one before
};

class Connection {
public:
    explicit Connection(net::Stream stream) : stream_(std::move(stream)) {}

    // Sends our announcement and checks the peer's. Invalid if the peer speaks another protocol.
    Task<Result<void>> handshake(Protocol protocol, net::Deadline deadline);
    [[nodiscard]] unsigned peer_version() const { return peer_version_; }

    Task<Result<void>> send_bytes(std::string list, net::Deadline deadline);
    // The next message's bytes; valid until the next receive. Closed at the end of the stream.
    Task<Result<std::string>> receive_bytes(net::Deadline deadline);

    template<MessageStruct M>
    Task<Result<void>> send(const M& message, net::Deadline deadline)
    {
        return send_bytes(encode(message), deadline);
    }

    template<MessageStruct M>
    Task<Result<M>> receive(net::Deadline deadline)
    {
        CO_TRY(std::string bytes, co_await receive_bytes(deadline));
        co_return decode<M>(bytes);
    }

    net::Stream& stream() { return stream_; }

private:
    net::Stream stream_;
    unsigned peer_version_ = 0;
};

// Appends the wire form (length prefix and list) of a message: for those who batch several into one write.
void append_framed(std::string& out, std::string_view list);

// A client of one service: connects on first use, keeps the connection, reconnects after an error. Calls are
// pipelined; the service must answer in order. Owned by whoever calls, and may be destroyed by who is woken with an
// answer; lives on the loop's thread.
//
// A service that leaves (reload, max_idle) answers what it has read and ends the connection. So a call whose connection
// ends before the answer is made a second time, to the successor; after a crash of the service it may be done twice.
class Client {
public:
    Client(std::string socket_path, Protocol protocol);
    ~Client();

    // Temporary when the service cannot be reached or the connection breaks before the answer, twice.
    Task<Result<std::string>> call_bytes(std::string list, net::Deadline deadline);

    template<MessageStruct Reply, MessageStruct Request>
    Task<Result<Reply>> call(Request request, net::Deadline deadline)
    {
        CO_TRY(std::string bytes, co_await call_bytes(encode(request), deadline));
        co_return decode<Reply>(bytes);
    }

private:
    struct Session;
    // What outlives the client, for its tasks and callers.
    struct Life {
        unsigned waking = 0;  // callers that are being woken by one of the tasks, further up on the stack
        bool over = false;
        net::Semaphore connecting{1};
    };
    Task<Result<std::shared_ptr<Session>>> session(net::Deadline deadline);
    Task<Result<std::string>> call_once(const std::string& list, net::Deadline deadline, bool* hung_up);
    static Task<void> read_replies(std::shared_ptr<Session> session);
    static Task<void> write_requests(std::shared_ptr<Session> session);

    std::string path_;
    Protocol protocol_;
    std::shared_ptr<Session> session_;
    std::shared_ptr<Life> life_;
    std::unique_ptr<net::TaskGroup> tasks_;
};

}  // namespace posthaste::ipc
