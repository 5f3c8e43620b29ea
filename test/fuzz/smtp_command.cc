// Bytes of a client as commands: line scanner, command, path and parameter parsers.
#include "smtp/command.h"
#include "smtp/line_reader.h"
#include "smtp/mail_parameters.h"
#include "smtp/path.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace posthaste;

namespace {

void check_path(std::string_view arguments, std::string_view keyword)
{
    for (auto syntax : {smtp::PathSyntax::Lenient, smtp::PathSyntax::Strict}) {
        auto path = smtp::parse_path_argument(arguments, keyword, syntax);
        if (!path)
            continue;
        if (path->address.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos)
            std::abort();
        static_cast<void>(smtp::parse_mail_parameters(path->parameters, smtp::implemented));
        static_cast<void>(smtp::parse_rcpt_parameters(path->parameters, smtp::implemented));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::string_view buffered(reinterpret_cast<const char*>(data), size);
    bool skipping = false;
    while (!buffered.empty()) {
        smtp::LineScan scan = smtp::scan_line(buffered, 2048, skipping);
        if (scan.consume > buffered.size() || scan.line.size() > 2048)
            std::abort();
        if (scan.state == smtp::LineScan::State::Incomplete)
            break;
        skipping = scan.state == smtp::LineScan::State::Cut;
        smtp::Command command = smtp::parse_command(scan.line);
        check_path(command.arguments, "FROM:");
        check_path(command.arguments, "TO:");
        static_cast<void>(smtp::escape_for_log(scan.line, 100));
        buffered.remove_prefix(scan.consume);
    }
    return 0;
}
