// cleanup(8): the pipeline (src/intake) behind a socket, for those who may not open the queue. protocol.h is the
// contract. smtpd, pickup and bounce have the pipeline inside and never come here.
#pragma once

#include "daemon/cleanup/protocol.h"
#include "intake/pipeline.h"
#include "queue/reader.h"
#include "server/server.h"

#include <memory>

namespace posthaste::cleanup {

class Service {
public:
    explicit Service(server::Context& context) : context_(context) {}

    Result<void> before_jail();
    Result<void> after_jail();
    Task<void> serve(net::Stream client, net::Endpoint peer);

private:
    Task<Result<Reply>> accept(ipc::Connection* connection, Submit request);
    static Task<Result<void>> copy_from_stream(net::Stream* stream, std::uint64_t size, intake::Message* message);
    Task<Result<void>> copy_from_queue(std::string reference, intake::Message* message);

    server::Context& context_;
    std::unique_ptr<intake::Pipeline> pipeline_;
    std::unique_ptr<queue::Reader> reader_;
};

}  // namespace posthaste::cleanup
