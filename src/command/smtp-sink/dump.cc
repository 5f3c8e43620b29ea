// dump.cc — see dump.h.
#include "command/smtp-sink/dump.h"

#include "intake/date.h"

#include <array>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <iterator>
#include <random>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace posthaste::command::smtp_sink {

namespace {

constexpr std::size_t enough_to_write = std::size_t{64} << 10;

Result<std::string> expand(const std::string& pattern)
{
    std::array<char, 4096> path{};
    std::time_t now = std::time(nullptr);
    std::tm local{};
    ::localtime_r(&now, &local);
    std::size_t size = std::strftime(path.data(), path.size(), pattern.c_str(), &local);
    if (size == 0)
        return fail(ErrorKind::Limit, "dump template is empty or too long: " + pattern);
    return std::string(path.data(), size);
}

}  // namespace

std::string dump_headers(const Options& options, const Envelope& envelope, std::string_view id)
{
    std::string text = options.start_string;
    auto out = std::back_inserter(text);
    fmt::format_to(out, "X-Client-Addr: {}\nX-Client-Proto: {}\n", envelope.client, envelope.protocol);
    if (!envelope.helo.empty())
        fmt::format_to(out, "X-Helo-Args: {}\n", envelope.helo);
    fmt::format_to(out, "X-Mail-Args: {}\n", envelope.sender);
    for (const std::string& recipient : envelope.recipients)
        fmt::format_to(out, "X-Rcpt-Args: {}\n", recipient);
    std::string client = "[" + envelope.client + "]";
    fmt::format_to(out, "Received: from {} ({})\n\tby {} (smtp-sink) with {} id {};\n\t{}\n",
                   envelope.helo.empty() ? client : envelope.helo, client, options.hostname, envelope.protocol, id,
                   intake::mail_date(std::time(nullptr)));
    return text;
}

Result<std::unique_ptr<Dump>> Dump::begin(const Options& options, const Envelope& envelope)
{
    static std::mt19937 random{std::random_device()()};
    const bool shared = options.dump_one.empty();
    std::string id = fmt::format("{:08x}", random());
    TRY(std::string path, expand(shared ? options.dump_all : options.dump_one));
    if (!shared)
        path += id;
    if (std::filesystem::path parent = std::filesystem::path(path).parent_path(); !parent.empty()) {
        std::error_code error;
        std::filesystem::create_directories(parent, error);
        if (error)
            return fail(Error::system(error.value(), "create directory " + parent.string()));
    }
    TRY(UniqueFd file, open_file(path, O_WRONLY | O_CREAT | (shared ? O_APPEND : O_EXCL), 0644));
    std::unique_ptr<Dump> dump(new Dump(std::move(file), std::move(path), shared));
    dump->text_ = dump_headers(options, envelope, id);
    return dump;
}

Dump::~Dump()
{
    if (!finished_ && !shared_)
        ::unlink(path_.c_str());
}

void Dump::add_lines(std::string_view crlf_lines)
{
    while (!crlf_lines.empty()) {
        std::size_t end = crlf_lines.find("\r\n");
        if (end == std::string_view::npos) {
            text_.append(crlf_lines);
            break;
        }
        text_.append(crlf_lines.substr(0, end)).push_back('\n');
        crlf_lines.remove_prefix(end + 2);
    }
    if (!shared_ && text_.size() >= enough_to_write)
        write_out();
}

void Dump::write_out()
{
    if (result_)
        result_ = write_fully(file_.get(), text_);
    text_.clear();
}

Result<void> Dump::finish()
{
    text_.push_back('\n');
    write_out();
    finished_ = true;
    return result_;
}

}  // namespace posthaste::command::smtp_sink
