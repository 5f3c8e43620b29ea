// reply.cc — see reply.h.
#include "smtp/reply.h"

#include "base/text.h"

namespace posthaste::smtp {

void append_reply(std::string& out, const Reply& reply)
{
    std::string code = std::to_string(reply.code);
    std::string_view rest = reply.text;
    for (;;) {
        std::size_t end = rest.find('\n');
        out += code;
        out.push_back(end == std::string_view::npos ? ' ' : '-');
        for (char c : rest.substr(0, end))
            out.push_back(c == '\r' || c == '\0' ? ' ' : c);
        out += "\r\n";
        if (end == std::string_view::npos)
            return;
        rest.remove_prefix(end + 1);
    }
}

Reply softened(Reply reply)
{
    if (reply.code / 100 != 5)
        return reply;
    reply.code -= 100;
    if (reply.text.size() > 1 && reply.text[0] == '5' && reply.text[1] == '.')
        reply.text[0] = '4';
    return reply;
}

std::string with_class_of(int code, std::string_view enhanced)
{
    std::string out(enhanced);
    if (!out.empty() && (code / 100 == 4 || code / 100 == 5))
        out[0] = static_cast<char>('0' + (code / 100));
    return out;
}

}  // namespace posthaste::smtp
