// postconf(5) default_delivery_status_filter and its kin: tables that replace the enhanced status code and the text of
// a delivery, before anything is done with it.
//
// The key is "5.1.1 text", so is the result. A failure may become temporary and the other way round; a success stays
// one, and nothing else becomes one: such results are passed over with a warning, as are malformed ones. While a
// table cannot be read outcomes stay as they are. Loop's thread.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "dsn/outcome.h"
#include "net/task.h"
#include "table/maps.h"

#include <memory>
#include <string_view>

namespace posthaste::server {

class OutcomeFilter {
public:
    // The filter of this delivery agent; null if it has none. Opens tables: before the jail. Invalid: the value is no
    // list of tables.
    static Result<std::unique_ptr<OutcomeFilter>> open(const config::Config& config, std::string_view process_name);

    Task<void> apply(dsn::Outcome* outcome);

private:
    explicit OutcomeFilter(table::Maps tables) : tables_(std::move(tables)) {}
    table::Maps tables_;
};

}  // namespace posthaste::server
