// sink.cc — see sink.h.
#include "log/sink.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

namespace posthaste::log {

namespace {

constexpr timeval send_timeout{.tv_sec = 10, .tv_usec = 0};
constexpr std::size_t max_datagram = std::size_t{60} << 10;
constexpr int send_buffer = 1 << 20;

// A datagram socket that is connected to path, or nothing.
UniqueFd connect_datagram(const std::string& path, SlowReader slow_reader)
{
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    if (path.size() >= sizeof address.sun_path)
        return {};
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    int flags = SOCK_CLOEXEC | (slow_reader == SlowReader::Retry ? SOCK_NONBLOCK : 0);
    UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | flags, 0));
    if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return {};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &send_timeout, sizeof send_timeout);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
    return fd;
}

class SyslogSink final : public Sink {
public:
    SyslogSink(std::string path, SlowReader slow_reader) : path_(std::move(path)), slow_reader_(slow_reader) {}

    void open() override
    {
        if (!socket_)
            socket_ = connect_datagram(path_, slow_reader_);
    }

    std::size_t write(std::string_view batch, std::span<const Record> records) override
    {
        std::size_t done = 0;
        for (std::size_t first = 0; first < records.size();) {
            open();
            if (!socket_)
                break;
            std::size_t count = send_some(batch, done, records.subspan(first));
            if (count == 0)
                break;
            first += count;
            done = records[first - 1].end;
        }
        return done;
    }

private:
    static constexpr std::size_t at_once = 64;

    // How many records one sendmmsg(2) has delivered; 0: the reader is gone or did not make room in time.
    std::size_t send_some(std::string_view batch, std::size_t begin, std::span<const Record> records)
    {
        std::size_t count = std::min(records.size(), at_once);
        std::array<mmsghdr, at_once> messages{};
        std::array<std::array<iovec, 2>, at_once> parts{};
        std::array<std::array<char, 8>, at_once> priorities{};
        for (std::size_t i = 0; i < count; ++i) {
            std::string priority = "<" + std::to_string(records[i].priority) + ">";
            std::ranges::copy(priority, priorities[i].begin());
            parts[i][0] = {priorities[i].data(), priority.size()};
            // sendmmsg(2) does not write through iov_base.
            parts[i][1] = {const_cast<char*>(batch.data()) + begin, records[i].end - 1 - begin};
            messages[i].msg_hdr.msg_iov = parts[i].data();
            messages[i].msg_hdr.msg_iovlen = 2;
            begin = records[i].end;
        }
        for (bool again = true;; again = false) {
            int sent = ::sendmmsg(socket_.get(), messages.data(), static_cast<unsigned>(count), MSG_NOSIGNAL);
            if (sent > 0)
                return static_cast<std::size_t>(sent);
            if (errno == EAGAIN || errno == EWOULDBLOCK)
                return 0;
            if (errno == EMSGSIZE)
                return 1;  // longer than the system takes: nobody will ever read this one
            socket_ = connect_datagram(path_, slow_reader_);
            if (!socket_ || !again)
                return 0;
        }
    }

    std::string path_;
    SlowReader slow_reader_;
    UniqueFd socket_;
};

class FileSink final : public Sink {
public:
    FileSink(std::string file, unsigned mode, std::string postlog_socket, SlowReader slow_reader)
        : file_(std::move(file)), socket_path_(std::move(postlog_socket)), mode_(mode), slow_reader_(slow_reader)
    {
    }

    void open() override
    {
        if (!socket_ && !socket_path_.empty())
            socket_ = connect_datagram(socket_path_, slow_reader_);
        if (!socket_)
            open_file();
    }

    std::size_t write(std::string_view batch, std::span<const Record>) override
    {
        std::size_t done = 0;
        while (done < batch.size()) {
            std::string_view piece = whole_lines(batch.substr(done));
            Sent sent = send(piece);
            if (sent == Sent::ReaderIsBehind || (sent == Sent::NobodyListens && !append(piece)))
                break;
            done += piece.size();
        }
        return done;
    }

private:
    enum class Sent : unsigned char { Yes, NobodyListens, ReaderIsBehind };

    static std::string_view whole_lines(std::string_view batch)
    {
        if (batch.size() <= max_datagram)
            return batch;
        std::size_t end = batch.rfind('\n', max_datagram - 1);
        return batch.substr(0, end == std::string_view::npos ? batch.find('\n') + 1 : end + 1);
    }

    Sent send(std::string_view lines)
    {
        if (socket_path_.empty())
            return Sent::NobodyListens;
        for (bool again = true;; again = false) {
            if (!socket_)
                socket_ = connect_datagram(socket_path_, slow_reader_);
            if (!socket_)
                return Sent::NobodyListens;
            std::string_view datagram = lines.substr(0, lines.size() - 1);
            if (::send(socket_.get(), datagram.data(), datagram.size(), MSG_NOSIGNAL) >= 0)
                return Sent::Yes;
            if (errno == EAGAIN || errno == EWOULDBLOCK)
                return Sent::ReaderIsBehind;
            socket_.reset();
            if (!again)
                return Sent::NobodyListens;
        }
    }

    void open_file()
    {
        if (file_ == "/dev/stdout" || file_ == "/dev/stderr") {
            // Not through the name: a socket or another user's terminal cannot be opened again.
            fd_ = UniqueFd(::fcntl(file_ == "/dev/stdout" ? STDOUT_FILENO : STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
            return;
        }
        // Where the new file cannot be opened (a jail), the old one stays in use.
        UniqueFd fd(::open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, mode_));
        if (fd && ::fstat(fd.get(), &opened_) == 0)
            fd_ = std::move(fd);
    }

    // The file was renamed or removed since it was opened.
    [[nodiscard]] bool was_rotated() const
    {
        struct stat by_name{};
        if (file_.starts_with("/dev/"))
            return false;
        return ::stat(file_.c_str(), &by_name) != 0 || by_name.st_ino != opened_.st_ino ||
               by_name.st_dev != opened_.st_dev;
    }

    bool append(std::string_view lines)
    {
        if (!fd_ || was_rotated())
            open_file();
        return fd_ && write_fully(fd_.get(), lines).has_value();
    }

    std::string file_;
    std::string socket_path_;
    unsigned mode_;
    SlowReader slow_reader_;
    UniqueFd socket_;
    UniqueFd fd_;
    struct stat opened_{};  // of fd_
};

}  // namespace

std::unique_ptr<Sink> make_syslog_sink(SlowReader slow_reader, std::string socket_path)
{
    return std::make_unique<SyslogSink>(std::move(socket_path), slow_reader);
}

std::unique_ptr<Sink> make_file_sink(std::string file, unsigned mode, std::string postlog_socket,
                                     SlowReader slow_reader)
{
    return std::make_unique<FileSink>(std::move(file), mode, std::move(postlog_socket), slow_reader);
}

}  // namespace posthaste::log
