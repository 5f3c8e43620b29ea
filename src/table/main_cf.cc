// main_cf.cc — see main_cf.h.
#include "table/main_cf.h"

namespace posthaste::table {

namespace {
MainCf& current()
{
    static MainCf config;
    return config;
}
}  // namespace

const MainCf& main_cf() { return current(); }

void set_main_cf(MainCf config) { current() = std::move(config); }

MainCfScope::MainCfScope(MainCf config) : before_(std::exchange(current(), std::move(config))) {}

MainCfScope::~MainCfScope() { current() = std::move(before_); }

}  // namespace posthaste::table
