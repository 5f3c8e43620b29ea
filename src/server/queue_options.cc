// queue_options.cc — see queue_options.h.
#include "server/queue_options.h"

#include "base/text.h"
#include "param/cleanup.h"
#include "param/queue.h"
#include "param/services.h"
#include "param/smtpd.h"

namespace posthaste::server {

queue::QueueOptions queue_options(const config::Config& config)
{
    queue::QueueOptions options;
    options.segment_size = static_cast<std::uint64_t>(config.get(param::queue_journal_segment_size));
    options.journal_message_limit = static_cast<std::uint64_t>(config.get(param::queue_journal_message_limit));
    options.reserve_segments = static_cast<std::uint32_t>(config.get(param::queue_journal_reserve));
    options.long_queue_ids = config.get(param::enable_long_queue_ids);
    options.hashed_queues.clear();
    for (std::string_view name : split(config.get(param::hash_queue_names), ", \t\r\n"))
        options.hashed_queues.emplace_back(name);
    options.hash_depth = static_cast<unsigned>(config.get(param::hash_queue_depth));
    options.min_free_bytes = static_cast<std::uint64_t>(config.get(param::queue_minfree));
    return options;
}

std::string queue_manager_socket(const config::Config& config)
{
    return "public/" + config.get(param::queue_service_name);
}

}  // namespace posthaste::server
