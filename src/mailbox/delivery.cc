// delivery.cc — see delivery.h.
#include "mailbox/delivery.h"

namespace posthaste::mailbox {

dsn::Outcome deliver(const Delivery& delivery, const MboxOptions& options, std::string_view host_name)
{
    return delivery.path.ends_with('/') ? deliver_to_maildir(delivery, options.size_limit, host_name)
                                        : deliver_to_mbox(delivery, options);
}

}  // namespace posthaste::mailbox
