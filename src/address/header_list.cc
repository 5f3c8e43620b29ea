// header_list.cc — see header_list.h.
#include "address/header_list.h"

#include "address/tokens.h"

namespace posthaste::address {

namespace {

// Reads one mailbox after the other from the tokens.
class ListParser {
public:
    ListParser(std::string_view value, const Tokens& tokens)
        : value_(value), position_(tokens.list.data()), end_(position_ + tokens.list.size())
    {
    }

    std::vector<ListedAddress> run()
    {
        while (position_ != end_)
            mailbox();
        return std::move(found_);
    }

private:
    std::size_t offset(const Token& token) const { return static_cast<std::size_t>(token.text.data() - value_.data()); }

    // Up to and with the ',' or ';' behind it. A ':' before anything else makes the words a group's name.
    void mailbox()
    {
        const Token* first = position_;
        const bool route = first->is('@');
        for (; position_ != end_; ++position_) {
            if (position_->is('<')) {
                angle();
                return;
            }
            if (position_->is(':') && !route) {
                ++position_;
                return;
            }
            if ((position_->is(',') && !(route && in_route(first))) || position_->is(';'))
                break;
        }
        const Token* begin = first;
        for (const Token* last = nullptr; first != position_; first = last) {
            last = end_of_address(first, position_);
            add(first, last, false);
            if (first != begin && last != first && !found_.empty())
                found_.back().without_comma = true;
        }
        if (position_ != end_)
            ++position_;
    }

    // True while a ':' that ends the route is still ahead of the next ';'.
    bool in_route(const Token* first) const
    {
        for (const Token* token = first; token != position_; ++token)
            if (token->is(':'))
                return false;
        for (const Token* token = position_; token != end_ && !token->is(';'); ++token)
            if (token->is(':'))
                return true;
        return false;
    }

    void angle()
    {
        const Token* first = ++position_;
        while (position_ != end_ && !position_->is('>'))
            ++position_;
        add(first, position_, true);
        while (position_ != end_ && !position_->is(',') && !position_->is(';'))
            ++position_;
        if (position_ != end_)
            ++position_;
    }

    void add(const Token* first, const Token* last, bool in_brackets)
    {
        AddrSpec spec = addr_spec(first, last);
        const Token* route = first;
        first = skip_route(first, last);
        const bool has_route = route != first;
        while (first != last && first->kind == TokenKind::Comment)
            ++first;
        while (first != last && (last - 1)->kind == TokenKind::Comment)
            --last;
        if (first == last)
            return;  // nothing between two commas, or <>
        const Token& final = *(last - 1);
        found_.push_back({.address = spec.valid ? std::move(spec.address) : std::string(),
                          .begin = offset(*first),
                          .end = offset(final) + final.text.size(),
                          .route_begin = offset(has_route ? *route : *first),
                          .valid = spec.valid,
                          .in_brackets = in_brackets,
                          .has_domain = spec.has_domain});
    }

    std::string_view value_;
    const Token* position_;
    const Token* end_;
    std::vector<ListedAddress> found_;
};

}  // namespace

AddressList parse_address_list(std::string_view value, std::size_t token_limit)
{
    Tokens tokens = tokenize(value, token_limit);
    return {.addresses = ListParser(value, tokens).run(), .truncated = tokens.truncated};
}

}  // namespace posthaste::address
