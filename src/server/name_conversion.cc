// name_conversion.cc — see name_conversion.h.
#include "server/name_conversion.h"

#include "address/idna.h"
#include "param/smtputf8.h"

namespace posthaste::server {

void set_name_conversion(const config::Config& config)
{
    address::set_idna_mapping(config.get(param::enable_idna2003_compatibility) ? address::IdnaMapping::Transitional
                                                                               : address::IdnaMapping::Nontransitional);
}

}  // namespace posthaste::server
