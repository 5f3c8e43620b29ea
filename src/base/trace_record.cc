// trace_record.cc — see trace_record.h.
#include "base/trace_record.h"

#include <algorithm>
#include <ranges>
#include <utility>

namespace posthaste::trace {

const Answered* StepRecord::decisive() const
{
    auto decided = std::ranges::find_if(answers | std::views::reverse,
                                        [](const Answered& answer) { return answer.value || !answer.error.empty(); });
    return decided == answers.rend() ? nullptr : &*decided;
}

std::string StepRecord::trouble() const
{
    if (!error.empty())
        return error;
    for (const Answered& answer : answers)
        if (!answer.error.empty())
            return answer.error;
    for (const StepRecord& step : steps)
        if (std::string found = step.trouble(); !found.empty())
            return found;
    return {};
}

Recorder::Recorder() : before_(std::exchange(observer, this)) {}
Recorder::~Recorder() { observer = before_; }

void Recorder::begin(std::string_view what, std::string_view subject)
{
    open_.emplace_back();
    open_.back().what = what;
    open_.back().subject = subject;
}

void Recorder::result(std::string_view text) { open_.back().result = text; }

void Recorder::end()
{
    StepRecord ended = std::move(open_.back());
    open_.pop_back();
    open_.back().steps.push_back(std::move(ended));
}

// Tables that are asked outside of any step are not part of a decision that is to be explained.
void Recorder::asked(std::string_view table, std::string_view key, const Result<std::optional<std::string>>& answer)
{
    if (open_.size() == 1)
        return;
    Answered heard{.table = std::string(table), .key = std::string(key), .value = {}, .error = {}};
    if (answer)
        heard.value = *answer;
    else
        heard.error = answer.error().text();
    open_.back().answers.push_back(std::move(heard));
}

void Recorder::matched(std::string_view element) { open_.back().element = element; }
void Recorder::failed(std::string_view reason) { open_.back().error = reason; }

std::vector<StepRecord> Recorder::take() { return std::exchange(open_.front().steps, {}); }

}  // namespace posthaste::trace
