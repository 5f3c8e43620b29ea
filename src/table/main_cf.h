// main_cf.h — the main.cf that tables take settings from: where modules are, and the settings of tables with a bare
// name (mysql:name: name_hosts, name_query, ...).
//
// A process names its snapshot once it has read it, and again after a reload. Whoever opens tables for a service with
// options of its own (cleanup(8) inside of smtpd) puts a MainCfScope around it. A table keeps what it was opened with.
// The loop's thread only.
#pragma once

#include "config/config.h"

#include <memory>

namespace posthaste::table {

using MainCf = std::shared_ptr<const config::Config>;

// Null before the process has read one.
const MainCf& main_cf();
void set_main_cf(MainCf config);

// Tables opened during its life take their settings from `config`.
class MainCfScope {
public:
    explicit MainCfScope(MainCf config);
    ~MainCfScope();
    MainCfScope(const MainCfScope&) = delete;
    MainCfScope& operator=(const MainCfScope&) = delete;

private:
    MainCf before_;
};

}  // namespace posthaste::table
