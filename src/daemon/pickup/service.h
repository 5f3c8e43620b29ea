// pickup(8): feeds what local users have dropped in maildrop/ into the queue.
//
// postdrop(1) wakes it up, master does every minute. A file is removed only after its message has been committed; if
// the process dies in between, the message is taken a second time (a duplicate, never a loss). A file that this mail
// system could not have written goes to corrupt/. While the queue cannot take mail, files wait where they are.
#pragma once

#include "intake/maildrop.h"
#include "intake/pipeline.h"
#include "intake/receive_overrides.h"
#include "net/tasks.h"
#include "server/server.h"

#include <memory>
#include <set>
#include <string>
#include <sys/stat.h>

namespace posthaste::pickup {

class Service {
public:
    explicit Service(server::Context& context) : context_(context) {}

    Result<void> before_jail();
    Result<void> after_jail();
    Task<void> trigger(char request);
    Task<void> leaving();

private:
    enum class After : std::uint8_t { Remove, SetAside, KeepForLater };

    Task<void> sweep();
    Task<void> take(std::string name);
    Task<After> feed(std::string name, UniqueFd file, struct ::stat facts);
    [[nodiscard]] intake::Accepted<intake::Message> begin(const intake::Submission& submission,
                                                          const struct ::stat& facts);
    // False: the file is still there and must not be taken again.
    static bool finish_file(const std::string& name, After after);

    // Files that are fed at the same time, so that they share a flush of the journal.
    static constexpr std::size_t most_under_way = 50;

    server::Context& context_;
    std::unique_ptr<intake::Pipeline> pipeline_;
    intake::ReceiveOverrides overrides_;
    std::set<std::string> under_way_;  // and those that are committed and could not be removed
    net::Semaphore room_{most_under_way};
    bool sweep_wanted_ = false;
    bool sweeping_ = false;
    net::TaskGroup tasks_;  // the sweep, and one task a file
};

}  // namespace posthaste::pickup
