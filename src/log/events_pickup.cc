// Lines of pickup(8), see events_pickup.h.
#include "log/events_pickup.h"

#include "log/address_form.h"
#include "log/log.h"

namespace posthaste::log {

void picked_up(std::string_view queue_id, std::uint32_t uid, std::string_view sender)
{
    info("{}: uid={} from=<{}>", queue_id, uid, address_text(sender));
}

}  // namespace posthaste::log
