// explain_text.cc — an explanation laid out for people, from the question to the transport. Each line says what was
// asked, where that is configured, and what came of it.
#include "command/postconf/explain_parts.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>

namespace posthaste::command::postconf {

namespace {

using trace::Answered;
using trace::StepRecord;

constexpr std::array<std::string_view, 5> class_lists{"inet_interfaces", "mydestination", "virtual_alias_domains",
                                                      "virtual_mailbox_domains", "relay_domains"};
constexpr std::array<std::string_view, 5> restriction_lists{"smtpd_client_restrictions", "smtpd_helo_restrictions",
                                                            "smtpd_sender_restrictions", "smtpd_relay_restrictions",
                                                            "smtpd_recipient_restrictions"};

bool is_class_list(const StepRecord& step) { return std::ranges::find(class_lists, step.what) != class_lists.end(); }

std::string in_brackets(const std::string& address) { return "<" + address + ">"; }

class Text {
public:
    explicit Text(const Explanation& explanation) : explanation_(explanation) {}

    std::string make()
    {
        head();
        if (explanation_.admission)
            admission(*explanation_.admission);
        rewriting();
        for (const Way& way : explanation_.ways)
            this->way(way);
        summary();
        return std::move(out_);
    }

private:
    template<class... T>
    void line(int depth, fmt::format_string<T...> format, T&&... arguments)
    {
        out_.append(static_cast<std::size_t>(depth) * 4, ' ');
        fmt::format_to(std::back_inserter(out_), format, std::forward<T>(arguments)...);
        out_ += '\n';
    }

    [[nodiscard]] std::string place(std::string_view parameter) const
    {
        return place_of(is_routing_ ? *explanation_.rewriting : *explanation_.config, parameter);
    }

    void head()
    {
        line(0, "Mail for {} from {}", in_brackets(explanation_.question.address),
             in_brackets(explanation_.question.sender));
        if (!explanation_.service.empty())
            line(0, "by the settings of the service {}", explanation_.service);
    }

    // What tables answered: the row that decided, or the keys that none of them has.
    void answers(int depth, const StepRecord& step)
    {
        const Answered* decisive = step.decisive();
        if (decisive != nullptr && decisive->value) {
            line(depth, "{} has \"{}\": {}", decisive->table, decisive->key, *decisive->value);
        } else if (decisive != nullptr) {
            line(depth, "temporary error: {} asked for \"{}\": {}", decisive->table, decisive->key, decisive->error);
        } else if (!step.answers.empty()) {
            std::string keys;
            std::string tables;
            for (const Answered& answer : step.answers) {
                add_once(keys, "\"" + answer.key + "\"");
                add_once(tables, answer.table);
            }
            line(depth, "no row for {} in {}", keys, tables);
        }
        if (!step.element.empty())
            line(depth, "decided by {}", step.element);
        if (!step.error.empty())
            line(depth, "temporary error: {}", step.error);
    }

    static void add_once(std::string& list, const std::string& item)
    {
        if (list.find(item) == std::string::npos)
            list += (list.empty() ? "" : ", ") + item;
    }

    // One parameter that was applied to an address.
    void parameter_step(int depth, const StepRecord& step)
    {
        const std::string arrow = step.result.empty() || step.result == step.subject ? "unchanged" : step.result;
        line(depth, "{:<26} {} -> {}   [{}]", step.what, step.subject, arrow, place(step.what));
        answers(depth + 1, step);
        for (const StepRecord& inner : step.steps)
            parameter_step(depth + 1, inner);
    }

    void rewriting()
    {
        line(0, "");
        line(0, "Rewriting");
        if (!explanation_.maps_addresses)
            line(1, "receive_override_options = no_address_mappings: no canonical tables, aliases and copies   [{}]",
                 place("receive_override_options"));
        steps_that_rewrite(explanation_.sender_steps);
        steps_that_rewrite(explanation_.steps);
        if (!explanation_.error.empty()) {
            line(1, "temporary error: {}", explanation_.error);
            return;
        }
        if (explanation_.sender != explanation_.question.sender)
            line(1, "sender: {}", in_brackets(explanation_.sender));
        for (const Way& way : explanation_.ways)
            line(1, "recipient: {}", in_brackets(way.address));
    }

    // Whether a domain is ours is asked here as well, but it is no news.
    void steps_that_rewrite(const std::vector<StepRecord>& steps)
    {
        for (const StepRecord& step : steps)
            if (!is_class_list(step) || !step.trouble().empty())
                parameter_step(1, step);
    }

    void way(const Way& way)
    {
        line(0, "");
        line(0, "Recipient {}", in_brackets(way.address));
        is_routing_ = true;
        for (const StepRecord& step : way.steps)
            way_step(step);
        is_routing_ = false;
        if (!way.route) {
            line(1, "temporary error: {}", way.error);
            return;
        }
        const routing::Route& route = *way.route;
        line(1, "address class: {}", routing::name(route.address_class));
        line(1, "transport:     {}", route.transport);
        line(1, "nexthop:       {}", route.nexthop);
        if (!way.problem.empty())
            line(1, "not understood: {}; the mail waits", way.problem);
        if (route.recipient != way.address)
            line(1, "delivered as:  {}", route.recipient);
        if (way.deferred)
            line(1, "deferred:      defer_transports names {}   [{}]", route.transport, place("defer_transports"));
        line(1, "served by:     {}",
             way.program.empty() ? "nobody: master.cf has no such service; the mail waits"
                                 : std::string_view(way.program));
        for (const Limit& limit : way.limits)
            line(1, "limit:         {} = {}   [{}]", limit.parameter, limit.value, limit.place);
    }

    // Lists that do not have the domain are told in one line each, without what is behind them.
    void way_step(const StepRecord& step)
    {
        if (!is_class_list(step)) {
            parameter_step(1, step);
            return;
        }
        line(1, "{:<26} {}: {}   [{}]", step.what, step.subject, step.result, place(step.what));
        if (step.result != "not listed")
            answers(2, step);
    }

    void admission(const Admission& admission)
    {
        line(0, "");
        line(0, "Would {} be taken from client {}?", in_brackets(explanation_.question.address),
             admission.client.empty() ? explanation_.question.client : admission.client);
        if (!admission.error.empty()) {
            line(1, "temporary error: {}", admission.error);
            return;
        }
        for (const StepRecord& step : admission.steps)
            if (step.what.starts_with("smtpd_") || step.what == "mynetworks")
                admission_step(step);
            else if (!step.trouble().empty())
                parameter_step(1, step);
        for (std::string_view name : restriction_lists)
            if (std::ranges::find(admission.steps, name, &StepRecord::what) == admission.steps.end())
                line(1, "{}: {}   [{}]", name, is_empty(name) ? "empty" : "not reached", place(name));
        line(1, "answer: {}", admission.reply);
    }

    [[nodiscard]] bool is_empty(std::string_view parameter) const
    {
        auto value = explanation_.config->value_of(parameter);
        return !value || value->value_or("").empty();
    }

    void admission_step(const StepRecord& step)
    {
        line(1, "{} ({}): {}   [{}]", step.what, step.subject, step.result, place(step.what));
        answers(2, step);
        for (const StepRecord& inner : step.steps)
            restriction(2, inner);
    }

    void restriction(int depth, const StepRecord& step)
    {
        line(depth, "{}{}{}: {}", step.what, step.subject.empty() ? "" : " ", step.subject, step.result);
        answers(depth + 1, step);
        for (const StepRecord& inner : step.steps)
            if (!is_class_list(inner) || !inner.trouble().empty())
                restriction(depth + 1, inner);
    }

    void summary()
    {
        line(0, "");
        const int status = exit_status(explanation_);
        line(0, "In short: {}",
             status == 0   ? "the mail is taken and has a way."
             : status == 2 ? "the mail is refused, or comes back to its sender."
                           : "the mail has to wait, or it cannot be told now.");
    }

    const Explanation& explanation_;
    bool is_routing_ = false;  // what is being told was decided by explanation_.rewriting
    std::string out_;
};

}  // namespace

std::string to_text(const Explanation& explanation) { return Text(explanation).make(); }

}  // namespace posthaste::command::postconf
