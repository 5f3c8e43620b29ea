// message_ref.cc — see message_ref.h.
#include "queue/message_ref.h"

#include "base/text.h"

#include <array>
#include <fmt/format.h>

namespace posthaste::queue {

namespace {
constexpr std::array<std::string_view, 7> names{"journal", "incoming", "active",  "deferred",
                                                "hold",    "corrupt",  "maildrop"};
}

std::string_view name(QueueName queue) { return names.at(static_cast<std::size_t>(queue)); }

std::string MessageRef::text() const
{
    if (queue == QueueName::Journal)
        return fmt::format("J {} {} {} {}", segment, generation, offset, queue_id);
    return fmt::format("F {} {}", name(queue), queue_id);
}

Result<MessageRef> MessageRef::parse(std::string_view text)
{
    auto bad = [&] { return fail(ErrorKind::Invalid, "not a message reference: " + printable(text.substr(0, 80))); };
    std::vector<std::string_view> words = split(text, " ");
    MessageRef ref;
    if (words.size() == 5 && words[0] == "J") {
        auto segment = parse_number<std::uint64_t>(words[1]);
        auto generation = parse_number<std::uint64_t>(words[2]);
        auto offset = parse_number<std::uint64_t>(words[3]);
        if (!segment || !generation || !offset)
            return bad();
        ref.segment = *segment;
        ref.generation = *generation;
        ref.offset = *offset;
        ref.queue_id = words[4];
        return ref;
    }
    if (words.size() == 3 && words[0] == "F") {
        for (std::size_t i = 1; i < names.size(); ++i) {
            if (names.at(i) == words[1]) {
                ref.queue = static_cast<QueueName>(i);
                ref.queue_id = words[2];
                return ref;
            }
        }
    }
    return bad();
}

}  // namespace posthaste::queue
