// settings.h — what main.cf says of tables: the options that open() uses where its caller has none. Set when main.cf
// was read, and again when a reload brings another one; tables that are open keep theirs. A service that works inside
// of another's process (cleanup(8) in smtpd) opens its tables within an OptionsScope, so that its -o options count. The
// loop's thread only.
#pragma once

#include "config/config.h"
#include "table/maps.h"

#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace posthaste::table {

// Who asks for proxy: tables, and so how.
enum class ProxyUser : std::uint8_t {
    Service,  // works in the queue directory: private/proxymap
    Command,  // works anywhere: the whole path of that
    Itself,   // opens the table behind proxy: itself: proxymap, and processes that keep root (proxymap(8): what it says
              // is not to be trusted with rights)
};

// Makes what main.cf says the options of the process.
void use_main_cf(std::shared_ptr<const config::Config> config, ProxyUser user);
// The same with another main.cf; who asks for proxy: tables does not change.
void use_new_main_cf(std::shared_ptr<const config::Config> config);

// The process's options for the tables of this parameter: substitutions ($1) are refused in those whose results choose
// a transport, a file or an account, as transport(5), aliases(5), virtual(8) and postconf(5) say.
OpenOptions options_for(std::string_view parameter);
// The tables that it names, so opened. Invalid: as Maps::open().
Result<Maps> open_maps(const config::Config& config, config::Parameter<std::string> parameter);

// During its life `config` takes the place of the process's main.cf.
class OptionsScope {
public:
    static OptionsScope enter(std::shared_ptr<const config::Config> config);
    OptionsScope(OptionsScope&& other) noexcept : before_(std::exchange(other.before_, std::nullopt)) {}
    ~OptionsScope();

private:
    explicit OptionsScope(OpenOptions before) : before_(std::move(before)) {}

    std::optional<OpenOptions> before_;  // nothing: moved away
};

// postconf(5) daemon_table_open_error_is_fatal: from now on a table that cannot be opened ends the process, if `fatal`.
void set_open_errors_fatal(bool fatal);

}  // namespace posthaste::table
