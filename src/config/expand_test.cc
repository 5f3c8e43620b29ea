// The expression grammar. Expected values that Postfix 3.7.11 was seen to give are marked so.
#include "config/expand.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <map>

namespace posthaste::config {
namespace {

const std::map<std::string, std::string, std::less<>> names{
    {"host", "h.example"}, {"empty", ""},    {"ref", "<$host>"}, {"loop", "${back}"},
    {"back", "$loop"},     {"level", "3.6"}, {"count", "10"},    {"chain", "$ref$ref"},
};

Result<std::optional<NameValue>> look_up(std::string_view name)
{
    const auto it = names.find(name);
    return it == names.end() ? std::nullopt : std::optional(NameValue{it->second});
}

std::string expanded(std::string_view text)
{
    const auto result = expand(text, look_up);
    return result ? *result : "error: " + result.error().text();
}

TEST(Expand, DigitsAreNumbersOfAnyLengthAndAComparisonAloneIsTrueOrEmpty)
{
    EXPECT_EQ(expanded("${{-2}<{-1}?{number}:{text}}"), "text");
    EXPECT_EQ(expanded("${{99999999999999999999}>{0100}?{yes}:{no}}"), "yes");
    EXPECT_EQ(expanded("${{010}=={10}}${{a}=={b}}"), "true");
}

TEST(Expand, NamesInEverySpelling)
{
    EXPECT_EQ(expanded("$host ${host} $(host) $host."), "h.example h.example h.example h.example.");
    EXPECT_EQ(expanded("a$ref-$chain"), "a<h.example>-<h.example><h.example>");
    EXPECT_EQ(expanded("$nobody|$$host"), "|$host");
    EXPECT_EQ(expanded(""), "");
}

TEST(Expand, ConditionalsInEverySpelling)
{
    EXPECT_EQ(expanded("${host?yes}${empty?no}${nobody?no}"), "yes");
    EXPECT_EQ(expanded("${host:no}${empty:dflt}${nobody:$ref}"), "dflt<h.example>");
    EXPECT_EQ(expanded("${host?{a}:{b}}${empty?{a}:{b}}"), "ab");
    EXPECT_EQ(expanded("${host?{a} : {b}} ${empty ? {a} : {b}}"), "a b");  // Postfix 3.7.11
    EXPECT_EQ(expanded("${empty?{a}}${empty:{a}}${empty:a b}"), "aa b");   // Postfix 3.7.11
    EXPECT_EQ(expanded("${host?{${empty:{in $host}}}}"), "in h.example");
    EXPECT_EQ(expanded("${empty?{${loop}}:{fine}}"), "fine");
}

TEST(Expand, ComparisonsAreNumericalWhereBothSidesAreNumbers)
{
    EXPECT_EQ(expanded("${{a}=={a}?{x}:{y}}${{3} < {10}?{n}:{m}}"), "xn");  // Postfix 3.7.11
    EXPECT_EQ(expanded("${{3a}<{10a}?{n}:{m}}"), "m");
    EXPECT_EQ(expanded("${{$count} >= {10}?{ge}}${{$count} > {10}?{gt}}${{$count} <= {9}?{le}:{no}}"), "geno");
    EXPECT_EQ(expanded("${{$host} != {x}?{differs}}"), "differs");
}

TEST(Expand, BracesKeepTheirWhiteSpace)
{
    EXPECT_EQ(expanded("${host?{ a }}|${host? b }|${nobody:{ c }}|"), " a | b | c |");               // Postfix 3.7.11
    EXPECT_EQ(expanded("${{ a}=={a}?{x}:{y}}${{ 3 }=={3}?{x}:{y}}${{ 3 } < {10}?{x}:{y}}"), "yyx");  // Postfix 3.7.11
}

TEST(Expand, LevelsAreVersions)
{
    EXPECT_EQ(expanded("${{3.6} <level {3.11} ? {lt} : {ge}}"), "lt");  // Postfix 3.7.11
    EXPECT_EQ(expanded("${{$level} <level {3.6} ? {lt} : {ge}}"), "ge");
    EXPECT_EQ(expanded("${{2} >=level {3.6} ? {ge} : {lt}}"), "lt");
    EXPECT_EQ(expanded("${{x} <level {1} ? {a} : {b}}"), "error: a level such as 3.6 expected, not \"x\"");
}

TEST(Expand, MalformedTextIsAnErrorThatShowsThePlace)
{
    EXPECT_EQ(expanded("${host"), "error: '}' expected to close \"{host\"");
    EXPECT_EQ(expanded("a$ b"), "error: a parameter name expected after '$' at \"$ b\"");
    EXPECT_EQ(expanded("a$"), "error: a parameter name expected after '$' at \"$\"");
    EXPECT_EQ(expanded("${}"), "error: a parameter name expected at \"\"");
    EXPECT_EQ(expanded("${host-x}"), "error: '?', ':' or the end expected at \"-x\" in \"host-x\"");
    EXPECT_EQ(expanded("${{a}={a}?{x}:{y}}"), "error: one of == != < <= > >= expected at \"={a}?{x}:{y}\"");
    EXPECT_EQ(expanded("${host?{a}b}"), "error: '?', ':' or the end expected at \"b\" in \"host?{a}b\"");
}

TEST(Expand, ANameThatRefersToItselfIsAnError)
{
    EXPECT_EQ(expanded("$loop"), "error: $loop refers to itself: loop -> back -> loop");
}

TEST(Expand, GrowthIsBounded)
{
    const auto doubling = [](std::string_view name) -> Result<std::optional<NameValue>> {
        if (name.size() > 60)
            return std::nullopt;
        return NameValue{fmt::format("$x{0}$x{0}", name)};
    };
    EXPECT_EQ(expand("$x", doubling).error().kind(), ErrorKind::Limit);
}

TEST(Expand, DepthIsBounded)
{
    const auto nested = [](std::size_t depth) {
        std::string text;
        for (std::size_t i = 0; i < depth; ++i)
            text += "${host?";
        return text + "x" + std::string(depth, '}');
    };
    EXPECT_EQ(expanded(nested(100)), "x");
    EXPECT_EQ(expand(nested(100'000), look_up).error().kind(), ErrorKind::Limit);
    for_each_name(nested(100'000), [](std::string_view) {});
    const auto chain = [&](std::string_view name) -> Result<std::optional<NameValue>> {
        std::string text = nested(50);
        text.replace(text.find('x'), 1, fmt::format("${}x", name));
        return name == "host" ? NameValue{"h"} : NameValue{std::move(text)};
    };
    EXPECT_EQ(expand("$x", chain).error().kind(), ErrorKind::Limit);
}

TEST(Expand, TheAsciiFormOfADomain)
{
    EXPECT_EQ(expanded(".${domain_to_ascii{$host}}"), ".h.example");
    EXPECT_EQ(expanded("${domain_to_ascii{ b\u00fccher.example }}"), "xn--bcher-kva.example");
    EXPECT_EQ(expanded("${domain_to_ascii{\xff.example}}"), "error: domain_to_ascii: \"?.example\" is no domain");
    EXPECT_EQ(expanded("${domain_to_ascii{a}?{b}}"), "error: unexpected \"?{b}\" behind a function");
    EXPECT_EQ(expanded("${domain_to_ascii}"), "");
}

TEST(Expand, ForeignTextIsNotLookedInto)
{
    const auto result = expand("$user", [](std::string_view) -> Result<std::optional<NameValue>> {
        return NameValue{"$(rm -rf)", Further::Keep};
    });
    EXPECT_EQ(*result, "$(rm -rf)");
}

TEST(Expand, EveryNameIsSeenInEveryBranch)
{
    std::string seen;
    for_each_name("$a ${b} $$x ${c?{$d}:{$(e)}} ${{$f}=={1}?{$g}} ${domain_to_ascii{$h}} ${broken",
                  [&](std::string_view name) { seen += name; });
    EXPECT_EQ(seen, "abcdefgh");
}

}  // namespace
}  // namespace posthaste::config
