// data_decoder.cc — see data_decoder.h.
#include "smtp/data_decoder.h"

#include <cstring>

namespace posthaste::smtp {

namespace {

const char* find_byte(const char* begin, const char* end, char byte)
{
    return static_cast<const char*>(std::memchr(begin, byte, static_cast<std::size_t>(end - begin)));
}

}  // namespace

// One line of the input; text is without line end.
struct DataDecoder::Line {
    std::string_view text;
    bool crlf = false;
};

bool DataDecoder::ends_data(const Line& line) const
{
    if (line.text != "." || in_broken_line_)
        return false;
    return bare_newline_ == BareNewline::Allow || (line.crlf && previous_was_crlf_);
}

// A line that cannot be handed on where it lies: its line end is another one, or none.
void DataDecoder::add_unusual(const Line& line, ContentSink& sink)
{
    std::string_view text = line.text;
    if (text.starts_with('.') && !in_broken_line_)
        text.remove_prefix(1);
    scratch_.assign(text).append("\r\n");
    sink.add_lines(scratch_);
}

std::size_t DataDecoder::feed(std::string_view input, ContentSink& sink)
{
    const char* const end = input.data() + input.size();
    const char* run = input.data();  // begin of the lines that are handed on as they are
    const char* line_begin = run;    // begin of the current line
    auto flush_run = [&](const char* until) {
        if (run != until)
            sink.add_lines({run, until});
    };
    while (!finished_) {
        const char* newline = find_byte(line_begin + scanned_, end, '\n');
        if (!newline)
            break;
        scanned_ = 0;
        Line line;
        line.crlf = newline != line_begin && newline[-1] == '\r';
        line.text = {line_begin, newline - (line.crlf ? 1 : 0)};
        saw_bare_newline_ = saw_bare_newline_ || !line.crlf;
        bool dot = line.text.starts_with('.') && !in_broken_line_;
        if (dot || !line.crlf) {
            flush_run(line_begin);
            run = newline + 1;
            finished_ = ends_data(line);
            if (dot && line.crlf && !finished_)
                run = line_begin + 1;  // without its dot the line is like any other
            else if (!finished_)
                add_unusual(line, sink);
        }
        previous_was_crlf_ = line.crlf;
        in_broken_line_ = false;
        line_begin = newline + 1;
    }
    flush_run(line_begin);
    if (finished_)
        return static_cast<std::size_t>(line_begin - input.data());
    auto rest = static_cast<std::size_t>(end - line_begin);
    scanned_ = rest;
    if (rest > max_line) {
        // The last byte stays: it may be the CR of the line end.
        add_unusual({.text = {line_begin, rest - 1}, .crlf = true}, sink);
        in_broken_line_ = true;
        scanned_ = 1;
        return input.size() - 1;
    }
    return static_cast<std::size_t>(line_begin - input.data());
}

}  // namespace posthaste::smtp
