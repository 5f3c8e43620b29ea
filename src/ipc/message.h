// Typed messages: a struct with one field list, from which encoding and decoding are derived.
//
//     struct StatusReply {
//         std::int64_t clients = 0;
//         std::string state;
//         std::vector<Peer> peers;     // Peer has a field list of its own
//         static constexpr auto fields = ipc::fields(ipc::field("clients", &StatusReply::clients),
//                                                    ipc::field("state", &StatusReply::state),
//                                                    ipc::field("peers", &StatusReply::peers));
//     };
//
// A message is one attribute list. A vector of structs is written as `name = count`, followed by that many lists of
// the elements' fields, each ended by its own empty name, then the outer list goes on. Unknown names are skipped
// and missing ones keep their defaults: that is how a reader understands the previous and the next version.
// Fields may be std::string, bool, integers, enums, vectors of std::string, and vectors of message structs.
#pragma once

#include "base/text.h"
#include "ipc/attributes.h"

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace posthaste::ipc {

template<class M, class T>
struct Field {
    std::string_view name;
    T M::* member;
};

template<class M, class T>
constexpr Field<M, T> field(std::string_view name, T M::* member)
{
    return {name, member};
}

template<class... F>
constexpr std::tuple<F...> fields(F... list)
{
    return {list...};
}

template<class M>
concept MessageStruct = requires { M::fields; };

inline constexpr std::size_t max_elements = 1'000'000;

template<MessageStruct M>
void encode_fields(const M& message, std::string& out);
template<MessageStruct M>
Result<void> decode_fields(AttributeReader& reader, M& message);

namespace detail {

template<class T>
void encode_value(std::string_view name, const T& value, std::string& out)
{
    AttributeWriter writer(out);
    if constexpr (std::is_same_v<T, std::string>) {
        writer.put(name, value);
    } else if constexpr (std::is_enum_v<T>) {
        writer.put(name, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
        writer.put(name, static_cast<std::conditional_t<std::is_same_v<T, bool>, int, T>>(value));
    } else {
        writer.put(name, value.size());
        for (const auto& element : value) {
            if constexpr (MessageStruct<typename T::value_type>) {
                encode_fields(element, out);
            } else {
                writer.put("value", element);
                writer.end();
            }
        }
    }
}

template<class T>
Result<void> decode_value(AttributeReader& reader, std::string_view text, T& value)
{
    if constexpr (std::is_same_v<T, std::string>) {
        value = text;
        return {};
    } else if constexpr (std::is_enum_v<T> || std::is_integral_v<T>) {
        using Wire = std::conditional_t<std::is_enum_v<T> || std::is_same_v<T, bool>, std::int64_t, T>;
        auto number = parse_number<Wire>(text);
        if (!number)
            return fail(ErrorKind::Invalid, "not a number: " + std::string(text.substr(0, 40)));
        value = static_cast<T>(*number);
        return {};
    } else {
        auto count = parse_number<std::size_t>(text);
        if (!count || *count > max_elements)
            return fail(ErrorKind::Invalid, "bad element count: " + std::string(text.substr(0, 40)));
        for (std::size_t i = 0; i < *count; ++i) {
            if constexpr (MessageStruct<typename T::value_type>) {
                TRY(decode_fields(reader, value.emplace_back()));
            } else {
                for (;;) {
                    TRY(auto attribute, reader.next());
                    if (!attribute)
                        break;
                    if (attribute->name == "value")
                        value.emplace_back(attribute->value);
                }
            }
        }
        return {};
    }
}

}  // namespace detail

// Appends the message as one attribute list.
template<MessageStruct M>
void encode_fields(const M& message, std::string& out)
{
    std::apply([&](const auto&... f) { (detail::encode_value(f.name, message.*(f.member), out), ...); }, M::fields);
    out.push_back('\0');
}

template<MessageStruct M>
Result<void> decode_fields(AttributeReader& reader, M& message)
{
    for (;;) {
        TRY(auto attribute, reader.next());
        if (!attribute)
            return {};
        Result<void> result;
        auto try_field = [&](const auto& f) {
            if (f.name != attribute->name)
                return false;
            result = detail::decode_value(reader, attribute->value, message.*(f.member));
            return true;
        };
        std::apply([&](const auto&... f) { static_cast<void>((try_field(f) || ...)); }, M::fields);
        TRY(std::move(result));
    }
}

template<MessageStruct M>
std::string encode(const M& message)
{
    std::string out;
    encode_fields(message, out);
    return out;
}

template<MessageStruct M>
Result<M> decode(std::string_view bytes)
{
    AttributeReader reader(bytes);
    M message;
    TRY(decode_fields(reader, message));
    return message;
}

}  // namespace posthaste::ipc
