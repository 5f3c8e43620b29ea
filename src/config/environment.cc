// environment.cc — see environment.h.
#include "config/environment.h"

#include "base/text.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace posthaste::config {

namespace {

Result<std::vector<std::string>> words_of(std::string_view text)
{
    std::vector<std::string> words;
    while (!(text = trim(text)).empty()) {
        bool braced = text.front() == '{';
        std::size_t end = braced ? text.find('}') : text.find_first_of(", \t\r\n");
        if (braced && end == std::string_view::npos)
            return fail(ErrorKind::Invalid, fmt::format("missing '}}' in \"{}\"", printable(text)));
        std::string_view word =
            text.substr(braced ? 1 : 0, end == std::string_view::npos ? end : end - (braced ? 1 : 0));
        const std::size_t equals = trim(word).find('=');
        if (braced && (equals == std::string_view::npos || equals == 0))
            return fail(ErrorKind::Invalid, fmt::format("name=value expected in \"{{{}}}\"", printable(word)));
        if (!trim(word).empty())
            words.emplace_back(trim(word));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return words;
}

}  // namespace

Result<Variables> listed_variables(std::string_view list)
{
    Variables variables;
    TRY(const std::vector<std::string> words, words_of(list));
    for (const std::string& word : words) {
        const std::size_t equals = word.find('=');
        if (equals != std::string::npos)
            set_variable(variables, trim(std::string_view(word).substr(0, equals)),
                         std::string(trim(std::string_view(word).substr(equals + 1))));
        else if (const char* value = std::getenv(word.c_str()))  // NOLINT(concurrency-mt-unsafe): nobody changes it
            set_variable(variables, word, value);
    }
    return variables;
}

Result<Variables> exported_variables(std::string_view export_environment)
{
    Variables variables{{"PATH", "/usr/bin:/bin"}};
    TRY(Variables listed, listed_variables(export_environment));
    for (auto& [name, value] : listed)
        set_variable(variables, name, std::move(value));
    return variables;
}

void set_variable(Variables& variables, std::string_view name, std::string value)
{
    auto same = std::ranges::find(variables, name, &Variables::value_type::first);
    if (same == variables.end())
        variables.emplace_back(name, std::move(value));
    else
        same->second = std::move(value);
}

}  // namespace posthaste::config
