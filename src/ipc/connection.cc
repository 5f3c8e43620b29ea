// connection.cc — see connection.h.
#include "ipc/connection.h"

#include <deque>
#include <sys/socket.h>
#include <unistd.h>

namespace posthaste::ipc {

void append_framed(std::string& out, std::string_view list)
{
    out += std::to_string(list.size());
    out.push_back('\0');
    out.append(list);
}

Task<Result<void>> Connection::handshake(Protocol protocol, net::Deadline deadline)
{
    std::string hello;
    AttributeWriter writer(hello);
    writer.put("protocol", protocol.name);
    writer.put("version", protocol.version);
    writer.end();
    std::string framed;
    append_framed(framed, hello);
    CO_TRY(co_await stream_.write_all(framed, deadline));

    CO_TRY(std::string answer, co_await receive_bytes(deadline));
    AttributeReader reader(answer);
    std::string name;
    for (;;) {
        CO_TRY(auto attribute, reader.next());
        if (!attribute)
            break;
        if (attribute->name == "protocol")
            name = attribute->value;
        else if (attribute->name == "version")
            peer_version_ = parse_number<unsigned>(attribute->value).value_or(0);
    }
    if (name != protocol.name || peer_version_ + 1 < protocol.version || peer_version_ == 0)
        co_return fail(ErrorKind::Invalid, "peer speaks protocol \"" + printable(name.substr(0, 60)) + "\" version " +
                                               std::to_string(peer_version_) + ", expected \"" +
                                               std::string(protocol.name) + "\" version " +
                                               std::to_string(protocol.version));
    co_return Result<void>{};
}

Task<Result<void>> Connection::send_bytes(std::string list, net::Deadline deadline)
{
    std::string prefix = std::to_string(list.size());
    prefix.push_back('\0');
    co_return co_await stream_.write_all(prefix, list, deadline);
}

Task<Result<std::string>> Connection::receive_bytes(net::Deadline deadline)
{
    constexpr std::size_t longest_prefix = 10;
    std::size_t end;
    while ((end = stream_.buffered().find('\0')) == std::string_view::npos) {
        if (stream_.buffered().size() > longest_prefix)
            co_return fail(ErrorKind::Invalid, "not a message of this system");
        CO_TRY(co_await stream_.fill(deadline));
    }
    auto length = parse_number<std::size_t>(stream_.buffered().substr(0, end));
    if (!length || *length > max_list_bytes)
        co_return fail(ErrorKind::Invalid, "not a message of this system");
    stream_.consume(end + 1);
    std::string list;
    list.reserve(*length);
    for (;;) {
        std::size_t take = std::min(*length - list.size(), stream_.buffered().size());
        list.append(stream_.buffered().substr(0, take));
        stream_.consume(take);
        if (list.size() == *length)
            co_return list;
        CO_TRY(co_await stream_.fill(deadline));
    }
}

struct Client::Session {
    struct Call {
        std::optional<Result<std::string>> answer;
        bool hung_up = false;  // there is no answer because the connection has ended
        net::Event done;
    };

    Session(net::Stream stream, std::shared_ptr<Life> of) : connection(std::move(stream)), life(std::move(of)) {}

    void answer(Call& call, Result<std::string> given) const
    {
        call.answer.emplace(std::move(given));
        ++life->waking;
        call.done.set();
        --life->waking;
    }

    void fail_all(const Error& error)
    {
        broken = true;
        auto pending = std::move(calls);
        for (auto& call : pending) {
            call->hung_up = error.kind() == ErrorKind::Closed;
            answer(*call, fail(ErrorKind::Temporary, error.text()));
        }
        more.set();
    }

    Connection connection;
    std::deque<std::shared_ptr<Call>> calls;  // sent or queued, in order
    std::string outgoing;
    net::Event more;
    std::shared_ptr<Life> life;
    bool broken = false;  // takes no further call
};

Client::Client(std::string socket_path, Protocol protocol)
    : path_(std::move(socket_path)), protocol_(protocol), life_(std::make_shared<Life>()),
      tasks_(std::make_unique<net::TaskGroup>())
{
}

Client::~Client()
{
    life_->over = true;
    if (session_)
        session_->fail_all(Error(ErrorKind::Cancelled, "client is gone"));
    if (life_->waking > 0)  // one of the tasks has woken who destroys this, and goes on when that returns
        net::Loop::current().post([tasks = std::move(tasks_)] {});
}

namespace {

// private/ belongs to mail_owner, so that a process that was taken over could put a socket of its own in the place of a
// service. Who keeps root (local takes commands from alias tables) speaks to sockets of root alone: unix(7)
// SO_PEERCRED names who called listen(2), which is master.
bool is_trusted(int fd)
{
    if (::geteuid() != 0)
        return true;
    ucred peer{};
    socklen_t size = sizeof peer;
    return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == 0;
}

}  // namespace

Task<Result<std::shared_ptr<Client::Session>>> Client::session(net::Deadline deadline)
{
    if (session_ && !session_->broken)
        co_return session_;
    // One connects for all who wait.
    const std::shared_ptr<Life> life = life_;
    CO_TRY(co_await life->connecting.acquire(deadline));
    struct Release {
        Life* life;
        ~Release() { life->connecting.release(); }
    } const release{life.get()};
    if (life->over)
        co_return fail(ErrorKind::Cancelled, "client is gone");
    if (session_ && !session_->broken)
        co_return session_;
    CO_TRY(net::Endpoint where, net::Endpoint::unix_path(path_));
    auto stream = co_await net::connect(where, deadline);
    if (!stream)
        co_return fail(ErrorKind::Temporary, stream.error().text());
    if (!is_trusted(stream->fd()))
        co_return fail(ErrorKind::Temporary, path_ + ": who listens there is not the master of the mail system");
    auto fresh = std::make_shared<Session>(std::move(*stream), life_);
    if (auto hello = co_await fresh->connection.handshake(protocol_, deadline); !hello)
        co_return fail(hello.error().kind() == ErrorKind::Closed ? ErrorKind::Closed : ErrorKind::Temporary,
                       path_ + ": " + hello.error().text());
    session_ = fresh;
    tasks_->start(read_replies(fresh));
    tasks_->start(write_requests(fresh));
    co_return fresh;
}

Task<void> Client::read_replies(std::shared_ptr<Session> session)
{
    for (;;) {
        // A reply may take as long as the work does; the callers bound their own waits.
        auto reply = co_await session->connection.receive_bytes(net::Deadline::never());
        if (!reply || session->calls.empty()) {
            session->fail_all(reply ? Error(ErrorKind::Invalid, "unexpected reply") : reply.error());
            session->connection.stream().close();
            co_return;
        }
        auto call = std::move(session->calls.front());
        session->calls.pop_front();
        session->answer(*call, std::move(*reply));
    }
}

Task<void> Client::write_requests(std::shared_ptr<Session> session)
{
    while (!session->broken) {
        if (session->outgoing.empty()) {
            session->more.reset();
            // Bounded by the life of the session: fail_all() sets the event.
            static_cast<void>(co_await session->more.wait(net::Deadline::never()));
            continue;
        }
        std::string batch = std::exchange(session->outgoing, {});
        // A local service that does not read for this long is dead.
        auto sent =
            co_await session->connection.stream().write_all(batch, net::Deadline::after(std::chrono::seconds(60)));
        if (!sent && sent.error().kind() == ErrorKind::Closed) {
            session->broken = true;  // answers to what it has read may still come, and then the end
        } else if (!sent) {
            session->fail_all(sent.error());
            session->connection.stream().close();
        }
    }
}

Task<Result<std::string>> Client::call_once(const std::string& list, net::Deadline deadline, bool* hung_up)
{
    auto where = co_await session(deadline);
    if (!where) {
        *hung_up = where.error().kind() == ErrorKind::Closed;
        co_return fail(ErrorKind::Temporary, where.error().text());
    }
    if ((*where)->broken) {  // as soon as it was there: nobody would answer
        *hung_up = true;
        co_return fail(ErrorKind::Temporary, path_ + ": the service hung up");
    }
    auto call = std::make_shared<Session::Call>();
    (*where)->calls.push_back(call);
    append_framed((*where)->outgoing, list);
    (*where)->more.set();
    CO_TRY(co_await call->done.wait(deadline));
    *hung_up = call->hung_up;
    co_return std::move(*call->answer);
}

Task<Result<std::string>> Client::call_bytes(std::string list, net::Deadline deadline)
{
    const std::shared_ptr<Life> life = life_;
    bool hung_up = false;
    auto answer = co_await call_once(list, deadline, &hung_up);
    if (!hung_up || life->over)
        co_return answer;
    co_return co_await call_once(list, deadline, &hung_up);
}

}  // namespace posthaste::ipc
