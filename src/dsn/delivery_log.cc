// The files below bounce/, defer/ and trace/, see delivery_log.h.
#include "dsn/delivery_log.h"

#include "base/text.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace posthaste::dsn {

namespace {

void put(std::string& out, std::string_view name, std::string_view value)
{
    if (value.empty())
        return;
    out.append(name).append("=");
    std::size_t at = out.size();
    out += value;
    std::replace_if(
        out.begin() + static_cast<std::ptrdiff_t>(at), out.end(),
        [](char c) { return c == '\n' || c == '\r' || c == '\0'; }, ' ');
    out += '\n';
}

void set(DeliveryRecord& record, std::string_view name, std::string_view value)
{
    if (name == "recipient")
        record.recipient = value;
    else if (name == "original_recipient")
        record.original_recipient = value;
    else if (name == "dsn_orig_rcpt")
        record.dsn_orcpt = value;
    else if (name == "notify_flags")
        record.notify = parse_number<std::uint8_t>(value).value_or(0);
    else if (name == "status")
        record.code = value;
    else if (name == "action")
        record.action = value;
    else if (name == "diag_type")
        record.diagnostic_type = value;
    else if (name == "diag_text")
        record.diagnostic = value;
    else if (name == "mta_mname")
        record.remote_mta = value;
    else if (name == "time")
        record.time = parse_number<std::int64_t>(value).value_or(0);
    else if (name == "reason")
        record.reason = value;
    else if (name == "transport")
        record.transport = value;
}

}  // namespace

std::string format_record(const DeliveryRecord& record)
{
    std::string summary = fmt::format("<{}>: {}", record.recipient, record.reason);
    std::ranges::replace(summary, '\n', ' ');
    std::string out = "\n" + summary + "\n";
    put(out, "recipient", record.recipient);
    put(out, "original_recipient", record.original_recipient);
    put(out, "dsn_orig_rcpt", record.dsn_orcpt);
    if (record.notify != 0)
        put(out, "notify_flags", std::to_string(record.notify));
    put(out, "status", record.code);
    put(out, "action", record.action);
    put(out, "diag_type", record.diagnostic_type);
    put(out, "diag_text", record.diagnostic);
    if (!record.remote_mta.empty()) {
        put(out, "mta_type", "dns");
        put(out, "mta_mname", record.remote_mta);
    }
    put(out, "time", std::to_string(record.time));
    put(out, "reason", record.reason);
    put(out, "transport", record.transport);
    return out + "\n";
}

std::vector<DeliveryRecord> parse_delivery_log(std::string_view text)
{
    std::vector<DeliveryRecord> records;
    std::unordered_map<std::string, std::size_t> position;
    DeliveryRecord current;
    auto finish = [&] {
        if (!current.recipient.empty() && !current.reason.empty()) {
            std::string key = current.recipient + '\n' + current.original_recipient;
            auto [known, is_new] = position.emplace(std::move(key), records.size());
            if (is_new)
                records.push_back(std::move(current));
            else
                records[known->second] = std::move(current);
        }
        current = {};
    };
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        std::size_t equals = line.find('=');
        if (line.empty())
            finish();
        else if (line.front() != '<' && equals != std::string_view::npos)
            set(current, line.substr(0, equals), line.substr(equals + 1));
    }
    finish();
    return records;
}

}  // namespace posthaste::dsn
