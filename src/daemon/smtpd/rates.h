// What anvil knows of a client, asked for with little patience: a defence that must never stop mail by itself.
#pragma once

#include "daemon/anvil/protocol.h"
#include "net/task.h"

#include <memory>
#include <optional>
#include <string>

namespace posthaste::smtpd {

// One a process: the connection to anvil is shared by all sessions. Loop's thread.
class Rates {
public:
    explicit Rates(std::string socket_path) : client_(std::move(socket_path), anvil::protocol) {}

    // Nothing when anvil does not answer within a few seconds: a warning is logged, the client is served without
    // limits (anvil(8)).
    Task<std::optional<anvil::Reply>> report(anvil::Event event, std::string service, std::string client);

private:
    ipc::Client client_;
    bool warned_ = false;
};

}  // namespace posthaste::smtpd
