// Addresses in log lines, see address_form.h.
#include "log/address_form.h"

#include "address/local_part.h"

#include <atomic>

namespace posthaste::log {

namespace {
std::atomic address_form = AddressForm::External;
}

void set_address_form(AddressForm form) { address_form = form; }

std::string address_text(std::string_view address)
{
    return address_form == AddressForm::External ? address::quote(address) : std::string(address);
}

}  // namespace posthaste::log
