// log_setup.cc — see log_setup.h.
#include "server/log_setup.h"

#include "base/text.h"
#include "log/address_form.h"
#include "log/log.h"
#include "param/basics.h"
#include "param/log.h"
#include "param/services.h"

namespace posthaste::server {

void set_log_address_form(const config::Config& config)
{
    const bool internal = config.get(param::info_log_address_format) == "internal";
    log::set_address_form(internal ? log::AddressForm::Internal : log::AddressForm::External);
}

Result<unsigned> maillog_file_mode(const config::Config& config)
{
    const std::string& text = config.get(param::maillog_file_permissions);
    auto mode = parse_number<unsigned>(text, 8);
    if (!mode || *mode > 0777)
        return fail(ErrorKind::Invalid,
                    "maillog_file_permissions: an octal number such as 0600 expected, not \"" + printable(text) + "\"");
    return *mode;
}

void set_up_log(const config::Config& config, const LogSetup& setup)
{
    log::Options options;
    options.tag = setup.tag.empty() ? config.get(param::syslog_name) : setup.tag;
    options.shared_tag = setup.shared_tag;
    options.program = setup.program;
    options.facility = config.get(param::syslog_facility);
    options.maillog_file = config.get(param::maillog_file);
    options.file_mode = maillog_file_mode(config).value_or(0600);
    if (!setup.direct) {
        std::string socket = "public/" + config.get(param::postlog_service_name);
        options.postlog_socket = setup.in_queue_directory ? socket : config.get(param::queue_directory) + "/" + socket;
    }
    std::string hostname = config.get(param::myhostname);  // maillog_file names the mail system, not the machine
    options.hostname = hostname.substr(0, hostname.find('.'));
    options.to_stderr = setup.to_stderr;
    options.wait_for_reader = setup.wait_for_reader;
    options.verbosity = setup.verbosity;
    log::init(std::move(options));
    set_log_address_form(config);
}

}  // namespace posthaste::server
