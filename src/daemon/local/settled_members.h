// settled_members.h — which members of a list have been settled while the list as a whole has to be tried again.
//
// The queue knows one mark for a recipient, and a recipient may stand for several mailboxes, files and commands. When
// one of them is put off, the others must not get the message again with every attempt. What became of them is
// remembered here, in memory: the death of the process, and a reload, may repeat them once, and nothing is lost.
#pragma once

#include "dsn/outcome.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace posthaste::local {

// One a process. Holds at most so many recipients and forgets the oldest beyond that: those that qmgr gave up, or an
// administrator removed, nobody asks for again.
class SettledMembers {
public:
    using Recipient = std::pair<std::string, std::uint32_t>;  // queue id, index in the envelope
    using Members = std::map<std::string, dsn::Outcome>;      // by what names the member within its recipient

    explicit SettledMembers(std::size_t most_recipients = 10'000) : most_(most_recipients) {}

    // What is known of a recipient; it is forgotten here until it is kept again.
    Members take(const Recipient& recipient);
    // The recipient will be tried again.
    void keep(const Recipient& recipient, Members members);
    [[nodiscard]] std::size_t size() const { return recipients_.size(); }

private:
    struct Kept {
        Members members;
        std::uint64_t number = 0;
    };
    std::size_t most_;
    std::uint64_t next_number_ = 0;
    std::map<Recipient, Kept> recipients_;
    std::map<std::uint64_t, Recipient> oldest_;
};

}  // namespace posthaste::local
