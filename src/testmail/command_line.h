// What the command lines of smtp-source and smtp-sink have in common: numbers with their error messages, and the
// forms "[inet:]host[:port]" and "unix:pathname". Whatever is wrong ends the program: status 1, "fatal: " and the text.
#pragma once

#include "net/endpoint.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace posthaste::testmail {

[[noreturn]] void die(std::string_view text);

// "bad <what>: <text>" unless it is a number from minimum to maximum.
std::int64_t number(std::string_view text, std::string_view what, std::int64_t minimum,
                    std::int64_t maximum = std::numeric_limits<std::int64_t>::max());

enum class Role : unsigned char { Client, Server };

// What a destination stands for, in the resolver's order. family: AF_UNSPEC, AF_INET or AF_INET6. A client's port is
// 25 if there is none, and a server's host any interface; a server must have a port.
std::vector<net::Endpoint> endpoints(std::string_view destination, Role role, int family);

// As many descriptors as this process may have: a session is one.
void raise_descriptor_limit();

}  // namespace posthaste::testmail
