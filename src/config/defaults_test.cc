// The declared defaults against what `postconf -d` of Postfix 3.12 prints. Where they differ on purpose, the name
// stands in test/compat/postconf-d-differences.txt with a reason.
#include "config/declaration.h"

#include "base/fd.h"
#include "base/text.h"
#include "config/config.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <string>

namespace posthaste::config {
namespace {

// "name = value" or "name: reason" lines of a file below test/compat; the tests run in the top folder.
std::map<std::string, std::string> read_pairs(const std::string& name, char separator)
{
    std::map<std::string, std::string> pairs;
    const auto content = read_file("test/compat/" + name);
    EXPECT_TRUE(content) << content.error().text();
    for (const std::string_view line : split(content.value_or(""), "\n")) {
        const std::size_t at = line.find(separator);
        if (line.starts_with('#') || at == std::string_view::npos)
            continue;
        pairs.emplace(trim(line.substr(0, at)), trim(line.substr(at + 1)));
    }
    return pairs;
}

TEST(Defaults, AgreeWithPostfix)
{
    const auto postfix = read_pairs("postconf-d-3.12.txt", '=');
    const auto differences = read_pairs("postconf-d-differences.txt", ':');
    ASSERT_GT(postfix.size(), 1000U);
    for (const Declaration& declaration : declarations()) {
        if (!declaration.since.starts_with("postfix"))
            continue;
        const auto theirs = postfix.find(std::string(declaration.name));
        const bool same = theirs != postfix.end() && declaration.function == DefaultFunction::None &&
                          theirs->second == declaration.default_text;
        EXPECT_NE(same, differences.contains(std::string(declaration.name)))
            << declaration.name << ": " << declaration.default_text << " here, "
            << (theirs == postfix.end() ? "not listed" : theirs->second) << " in Postfix";
    }
    for (const auto& [name, reason] : differences) {
        EXPECT_TRUE(find_declaration(name)) << name << " is listed as a difference, but not declared";
        EXPECT_FALSE(reason.empty()) << name;
    }
}

TEST(Defaults, EveryPostfixParameterIsDeclared)
{
    for (const auto& [name, value] : read_pairs("postconf-d-3.12.txt", '=')) {
        const bool of_service = std::ranges::any_of(families(), [&](const FamilyDeclaration& family) {
            return name.ends_with("_" + std::string(family.suffix));
        });
        EXPECT_TRUE(of_service || find_declaration(name)) << name;
    }
}

TEST(Defaults, AreValid)
{
    for (const char* level : {"0", "1", "2", "3.6", "3.12"}) {
        const auto config = load_text(std::string("compatibility_level = ") + level + "\n", "main.cf", {});
        EXPECT_TRUE(config) << config.error().text();
    }
}

TEST(Defaults, AMirrorSaysWhatItMirrors)
{
    const auto slot = find_declaration("lmtp_connect_timeout");
    ASSERT_TRUE(slot);
    EXPECT_EQ(declarations()[*slot].default_text, "0s");
    EXPECT_TRUE(declarations()[*slot].doc.starts_with("The same as smtp_connect_timeout, for the LMTP client."));
}

}  // namespace
}  // namespace posthaste::config
