// Config: main.cf as an immutable snapshot.
//
// load() reads main.cf, lays -o overrides over it, expands every declared parameter once and checks it against its
// kind and bounds. After that nothing changes: a reload makes a new snapshot. Code reads
//     config->get(param::smtpd_recipient_limit)
// and gets the right type; nothing reads a declared parameter by its name.
#pragma once

#include "base/result.h"
#include "config/declaration.h"
#include "config/expand.h"
#include "config/main_cf.h"
#include "config/parameter.h"
#include "config/value.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace posthaste::config {

// What a value that breaks its kind or bounds does to load().
enum class BadValues : std::uint8_t {
    Refuse,   // load() fails with the first one: daemons
    Collect,  // the default counts and the problem stands in problems(): postconf, postfix check
};

struct LoadOptions {
    // Empty: $MAIL_CONFIG, else the default directory. A set-gid program takes neither from its caller unless the
    // default main.cf lists the directory (alternate_config_directories, multi_instance_directories).
    std::string config_directory;
    std::vector<std::pair<std::string, std::string>> overrides;  // -o name=value, in this order
    std::string process_name;
    std::string service_name;
    BadValues bad_values = BadValues::Refuse;
};

// Life time: shared by everybody who works with this state of the configuration; never changes, so that threads may
// read it. get() costs one array access.
class Config {
public:
    // int, std::int64_t, bool and std::chrono::seconds by value, std::string by reference.
    template<class T>
    decltype(auto) get(Parameter<T> parameter) const
    {
        const Value& value = values_[parameter.slot];
        if constexpr (std::is_same_v<T, std::string>)
            return static_cast<const std::string&>(value.text);
        else if constexpr (std::is_same_v<T, bool>)
            return value.number != 0;
        else
            return T(static_cast<typename Representation<T>::type>(value.number));
    }

    // <service>_<suffix> if main.cf or a declared default says it, else the fallback:
    //     get_for("smtp", param::per_service::destination_concurrency_limit)
    // Invalid: the value breaks its kind. Not for every message: keep the result.
    template<class T>
    [[nodiscard]] Result<T> get_for(std::string_view service, const Family<Parameter<T>>& family) const
    {
        TRY(std::optional<Value> own, family_value(service, family.index));
        if (!own)
            return T(get(family.fallback));
        if constexpr (std::is_same_v<T, std::string>)
            return std::move(own->text);
        else
            return T(static_cast<typename Representation<T>::type>(own->number));
    }

    // The text with every $name replaced by its value in this snapshot. Malformed text is returned as it is;
    // try_expand() says what is wrong with it.
    [[nodiscard]] std::string expand(std::string_view text) const;
    [[nodiscard]] Result<std::string> try_expand(std::string_view text) const;
    // The same with names of the caller's, which come first (default_rbl_reply, mailbox_command, ...).
    [[nodiscard]] Result<std::string> try_expand(std::string_view text, const NameLookup& extra) const;

    // This snapshot with stress=yes; itself if it is the one under stress already. Lives as long as this one.
    [[nodiscard]] const Config& stressed() const { return stressed_ ? *stressed_ : *this; }

    // The text that main.cf or an override sets for any name, unexpanded; nothing if neither does.
    [[nodiscard]] std::optional<std::string> raw(std::string_view name) const;
    // Where the setting that counts was written; nothing if there is none.
    [[nodiscard]] std::optional<Place> place(std::string_view name) const;
    // The expanded value of any name: declared, or user-defined (smtpd_restriction_classes). Nothing if unknown.
    [[nodiscard]] Result<std::optional<std::string>> value_of(std::string_view name) const;
    // Setting or default, unexpanded. Nothing for a name that is neither set nor declared.
    [[nodiscard]] Result<std::optional<std::string>> unexpanded(std::string_view name) const;
    // The default, unexpanded; one that is a function of the machine is computed.
    [[nodiscard]] std::string default_of(std::size_t slot) const;

    [[nodiscard]] const std::string& directory() const { return directory_; }
    [[nodiscard]] const std::vector<Setting>& settings() const { return settings_; }  // main.cf, then overrides
    [[nodiscard]] const std::vector<Notice>& notices() const { return notices_; }     // of the parser
    [[nodiscard]] const std::vector<Notice>& problems() const { return problems_; }   // BadValues::Collect

private:
    friend class Loader;

    struct Value {
        std::string text;
        std::int64_t number = 0;
    };
    template<class T>
    struct Representation {
        using type = T;
    };
    template<class Rep, class Period>
    struct Representation<std::chrono::duration<Rep, Period>> {
        using type = Rep;
    };

    [[nodiscard]] const Setting* find(std::string_view name) const;
    [[nodiscard]] Result<std::optional<NameValue>> look_up(std::string_view name) const;
    [[nodiscard]] static Result<Value> converted(std::string text, const Declaration& declaration);
    [[nodiscard]] Result<std::optional<Value>> family_value(std::string_view service, std::size_t index) const;

    std::string directory_;
    std::string process_name_;
    std::string service_name_;
    std::vector<Setting> settings_;
    std::map<std::string, std::size_t, std::less<>> by_name_;      // the last setting of each name
    std::map<DefaultFunction, std::string> computed_;              // defaults that are functions
    std::map<std::string, std::string, std::less<>> file_values_;  // what stood in the files that values name
    std::vector<Value> values_;                                    // by slot
    std::shared_ptr<const Config> stressed_;                       // null in the twin itself
    std::vector<Notice> notices_;
    std::vector<Notice> problems_;
};

// The directory that load() reads for this LoadOptions::config_directory. Denied: a set-gid program was given one that
// the administrator has not listed.
Result<std::string> find_directory(const std::string& config_directory);

// NotFound, Denied, Io: main.cf cannot be read. Invalid: syntax or value, with file, line and what was expected.
Result<std::shared_ptr<const Config>> load(LoadOptions options);

// The same from text in memory; `file` is its name in errors, directory becomes config_directory.
Result<std::shared_ptr<const Config>> load_text(std::string_view main_cf, const std::string& file, LoadOptions options);

}  // namespace posthaste::config
