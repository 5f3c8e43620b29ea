// `postconf -d` with the default master.cf against what Postfix 3.12 prints (test/compat/postconf-d-3.12.txt): the same
// names with the same values, except what test/compat/postconf-d-differences.txt lists with a reason, and parameters
// that only Posthaste has.
#include "base/fd.h"
#include "base/text.h"
#include "command/postconf/parameters.h"

#include <gtest/gtest.h>
#include <map>

namespace posthaste::command::postconf {
namespace {

using Pairs = std::map<std::string, std::string>;

// Lines "name = value", or "name: reason" with another separator; no comments.
Pairs pairs_of(std::string_view text, char separator)
{
    Pairs pairs;
    for (const std::string_view line : split(text, "\n")) {
        const std::size_t at = line.find(separator);
        if (!line.starts_with('#') && at != std::string_view::npos)
            pairs.emplace(trim(line.substr(0, at)), trim(line.substr(at + 1)));
    }
    return pairs;
}

// Life time: one test. Both listings and the list of what differs on purpose.
class Defaults : public testing::Test {
public:
    Defaults()
    {
        const Result<Options> options = parse_options({"postconf", "-c", "conf", "-d"});
        const Result<Output> output = options ? print_parameters(*options) : std::unexpected(options.error());
        EXPECT_TRUE(output && output->warnings.empty());
        ours_ = pairs_of(output ? output->text : "", '=');
        theirs_ = pairs_of(read_file("test/compat/postconf-d-3.12.txt").value_or(""), '=');
        differences_ = pairs_of(read_file("test/compat/postconf-d-differences.txt").value_or(""), ':');
        EXPECT_GT(theirs_.size(), 1000U);
    }

protected:
    // Its value depends on the machine, so that it may be the same by chance.
    static bool computed(const std::string& name)
    {
        const auto slot = config::find_declaration(name);
        return slot && config::declarations()[*slot].function != config::DefaultFunction::None;
    }
    static bool only_ours(const std::string& name)
    {
        const auto slot = config::find_declaration(name);
        return slot && config::declarations()[*slot].since.starts_with("posthaste");
    }

    Pairs ours_;
    Pairs theirs_;
    Pairs differences_;
};

TEST_F(Defaults, EveryNameOfPostfixIsListedWithItsValue)
{
    for (const auto& [name, value] : theirs_) {
        const auto it = ours_.find(name);
        if (it == ours_.end())
            ADD_FAILURE() << name << " is not listed";
        else if (!computed(name))
            EXPECT_NE(it->second == value, differences_.contains(name))
                << name << " = " << it->second << ", and in Postfix " << value;
    }
}

TEST_F(Defaults, NoOtherNameIsListedExceptOurOwn)
{
    for (const auto& [name, value] : ours_)
        EXPECT_TRUE(theirs_.contains(name) || only_ours(name) || differences_.contains(name)) << name;
}

TEST_F(Defaults, EveryDifferenceHasAReason)
{
    for (const auto& [name, reason] : differences_) {
        EXPECT_FALSE(reason.empty()) << name;
        EXPECT_TRUE(config::find_declaration(name)) << name;
    }
}

}  // namespace
}  // namespace posthaste::command::postconf
