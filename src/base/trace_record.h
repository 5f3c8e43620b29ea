// trace_record.h — what an observer has heard, as a tree: steps with the answers of tables and lists, and the steps
// within them.
#pragma once

#include "base/trace.h"

#include <string>
#include <vector>

namespace posthaste::trace {

struct Answered {
    std::string table;  // "hash:/etc/postfix/virtual"
    std::string key;
    std::optional<std::string> value;  // nothing: the table does not have the key
    std::string error;                 // it could not tell; then there is no value
};

struct StepRecord {
    std::string what;
    std::string subject;
    std::string result;   // empty: the step had nothing to say
    std::string element;  // of a list, that decided
    std::string error;    // of a list
    std::vector<Answered> answers;
    std::vector<StepRecord> steps;

    // The row that decided: the last answer with a value, or with an error. Null if every table said no.
    [[nodiscard]] const Answered* decisive() const;
    // What could not be told in this step or below it; empty if everything could.
    [[nodiscard]] std::string trouble() const;
};

// Listens for as long as it lives, in place of who listened before.
class Recorder final : public Observer {
public:
    Recorder();
    ~Recorder() override;

    void begin(std::string_view what, std::string_view subject) override;
    void result(std::string_view text) override;
    void end() override;
    void asked(std::string_view table, std::string_view key, const Result<std::optional<std::string>>& answer) override;
    void matched(std::string_view element) override;
    void failed(std::string_view reason) override;

    // The steps that have ended, in order. They are taken out.
    std::vector<StepRecord> take();

private:
    Observer* before_;
    std::vector<StepRecord> open_{1};  // the first holds those that have ended
};

}  // namespace posthaste::trace
