// Where finished log lines go: syslog's datagram socket, postlogd's, or the file itself.
//
// A sink gets a batch of whole lines ("...\n" each) and says how many bytes of it are safe with the reader; what is
// left is offered again with the next batch. A reader that is behind is waited for, ten seconds at most, except by
// master, who would wait for a postlogd that only he can start.
#pragma once

#include "base/fd.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace posthaste::log {

struct Record {
    std::size_t end;  // in the batch, after the newline; it begins where the one before ends
    int priority;     // facility | severity, as syslog(3)
};

enum class SlowReader : unsigned char { Wait, Retry };

class Sink {
public:
    virtual ~Sink() = default;
    // Connects or opens if that has not been done, so that it works after chroot(2), too.
    virtual void open() = 0;
    virtual std::size_t write(std::string_view batch, std::span<const Record> records) = 0;
};

// RFC 3164 datagrams to /dev/log. After chroot(2) a syslog daemon that restarts is found again if the jail has a
// dev/log of its own, as Debian's rsyslog configuration makes one.
std::unique_ptr<Sink> make_syslog_sink(SlowReader slow_reader, std::string socket_path = "/dev/log");

// Datagrams of up to 60 KiB with several lines each to postlogd (Postfix's clients send one line without newline:
// postlogd takes both); when nobody listens, appends to the file. An empty socket path means always the file. The
// file is opened again when it has been renamed.
std::unique_ptr<Sink> make_file_sink(std::string file, unsigned mode, std::string postlog_socket,
                                     SlowReader slow_reader);

}  // namespace posthaste::log
