// Files that Debian's Postfix 3.7.11 wrote (test/golden/postfix), read as its own postcat -v reads them, and written
// again.
#include "queue/postfix_file.h"

#include "base/fd.h"
#include "base/text.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace posthaste::queue {

namespace {

const std::string golden = "test/golden/postfix/";

std::string bytes_of_file(const std::string& name)
{
    auto bytes = read_file(golden + name);
    EXPECT_TRUE(bytes) << bytes.error().text();
    return bytes ? *bytes : std::string();
}

struct Decoded {
    PostfixMessage message;
    std::string content;
};

Result<Decoded> decode(std::string_view file)
{
    Decoded decoded;
    TRY(decoded.message, read_postfix_file(file, [&](std::string_view piece) -> Result<void> {
            decoded.content += piece;
            return {};
        }));
    return decoded;
}

Decoded golden_message(const std::string& name)
{
    auto decoded = decode(bytes_of_file(name));
    EXPECT_TRUE(decoded) << name << ": " << decoded.error().text();
    return decoded ? std::move(*decoded) : Decoded();
}

std::vector<std::string> names()
{
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(golden))
        if (entry.path().extension() != ".postcat")
            found.push_back(entry.path().filename());
    return found;
}

std::vector<std::size_t> everybody(const Envelope& envelope)
{
    std::vector<std::size_t> indexes(envelope.recipients.size());
    for (std::size_t i = 0; i < indexes.size(); ++i)
        indexes[i] = i;
    return indexes;
}

// What Postfix's postcat -v said of a file, as far as its records have one meaning everywhere.
struct Said {
    std::string sender;
    std::string redirect;
    std::vector<std::string> recipients;
    std::vector<std::string> done;
    std::string content;
    std::optional<std::uint64_t> size;  // none where a milter's edits left holes, and in maildrop
};

Said said_of(const std::string& name)
{
    Said said;
    const std::string text = bytes_of_file(name + ".postcat");
    bool line_is_open = false;
    for (std::string_view line : split(text, "\n")) {
        auto value = [&](std::string_view label) -> std::optional<std::string> {
            if (!line.starts_with(label))
                return std::nullopt;
            return std::string(line.substr(label.size()));
        };
        if (auto sender = value("sender: "))
            said.sender = *sender;
        else if (auto size = value("message_size: "))
            said.size = parse_number<std::uint64_t>(split(*size, " ").front());
        else if (value("pointer_record: "))
            said.size.reset();
        else if (auto redirect = value("redirect_to: "))
            said.redirect = *redirect;
        else if (auto recipient = value("recipient: "))
            said.recipients.push_back(*recipient);
        else if (auto done = value("done_recipient: "))
            said.done.push_back(*done);
        else if (auto whole = value("regular_text: "))
            said.content += *whole + "\r\n", line_is_open = false;
        else if (auto part = value("unterminated_text: "))
            said.content += *part, line_is_open = true;
    }
    if (line_is_open)
        said.content += "\r\n";
    return said;
}

}  // namespace

TEST(PostfixFile, IsReadAsPostfixsOwnPostcatReadsIt)
{
    ASSERT_GT(names().size(), 20U);
    for (const std::string& name : names()) {
        SCOPED_TRACE(name);
        Decoded decoded = golden_message(name);
        Said said = said_of(name);
        EXPECT_EQ(decoded.message.envelope.sender, said.sender);
        EXPECT_EQ(decoded.content, said.content);
        EXPECT_EQ(decoded.message.facts.size, said.content.size());
        if (said.size)
            EXPECT_EQ(decoded.message.facts.logged_size(), *said.size);
        std::vector<std::string> recipients;
        for (const Recipient& recipient : decoded.message.envelope.recipients)
            recipients.push_back(recipient.address);
        EXPECT_EQ(recipients, said.redirect.empty() ? said.recipients : std::vector{said.redirect});
        std::vector<std::string> done;
        for (const PostfixRecipient& each : decoded.message.done)
            done.push_back(each.recipient.address);
        EXPECT_EQ(done, said.done);
    }
}

TEST(PostfixFile, KeepsWhatWasAskedFor)
{
    const Envelope dsn = golden_message("dsn").message.envelope;
    EXPECT_EQ(dsn.dsn_envid, "env+id");
    EXPECT_EQ(dsn.dsn_return, DsnReturn::Headers);
    EXPECT_EQ(dsn.encoding, BodyEncoding::EightBit);
    EXPECT_EQ(dsn.arrival_seconds, 1795240241);
    EXPECT_EQ(dsn.recipients[0].notify, notify_success | notify_delay);
    EXPECT_EQ(dsn.recipients[0].dsn_orcpt, "rfc822;x+z@far.test");
    EXPECT_EQ(dsn.recipients[1].notify, notify_never);
    EXPECT_EQ(dsn.client.name, "localhost");
    EXPECT_EQ(dsn.message_id, "<1@example.com>");
    EXPECT_EQ(dsn.hop_count, 1U);

    const Envelope verp = golden_message("verp").message.envelope;
    EXPECT_EQ(verp.verp_delimiters, "+=");
    EXPECT_EQ(verp.sender_full_name, "Full Näme");
    EXPECT_EQ(verp.origin, Origin::Sendmail);

    const Envelope alias = golden_message("virtual-alias").message.envelope;
    EXPECT_EQ(alias.recipients[1].address, "x2@far.test");
    EXPECT_EQ(alias.recipients[1].original, "list@v.test");

    EXPECT_EQ(golden_message("two-filters").message.envelope.filter, "smtp:[127.0.0.1]:2");
    EXPECT_EQ(golden_message("bcc-and-content-filter").message.envelope.filter, "smtp:[127.0.0.1]:1");
    EXPECT_FALSE(golden_message("hold").message.envelope.local_rewrite_context);
    EXPECT_EQ(golden_message("probe").message.envelope.trace, Trace::AddressProbe);
    EXPECT_EQ(golden_message("maildrop-3").message.envelope.trace, Trace::Verify);
    EXPECT_EQ(golden_message("sendmail-v").message.envelope.trace, Trace::None) << "its report was sent";
    EXPECT_EQ(golden_message("bounce").message.envelope.origin, Origin::Bounce);

    const Envelope forwarded = golden_message("xforward").message.envelope;
    EXPECT_TRUE(forwarded.smtputf8);
    EXPECT_EQ(forwarded.client.name, "orig.test");
    EXPECT_EQ(forwarded.client.ident, "ABCDEF");
    EXPECT_EQ(forwarded.recipients[1].address, "müller@far.test");
}

TEST(PostfixFile, NotesWhatASenderMustKnowOfTheContent)
{
    const ContentFacts facts = golden_message("long-line").message.facts;
    EXPECT_EQ(facts.longest_line, 5000U);
    EXPECT_TRUE(facts.dot_lines);
    EXPECT_FALSE(facts.eight_bit);
    EXPECT_TRUE(golden_message("xforward").message.facts.utf8_header);
    Decoded mail = golden_message("dsn");
    EXPECT_TRUE(std::string_view(mail.content).substr(0, mail.message.facts.header_size).ends_with("+0000\r\n\r\n"));
}

TEST(PostfixFile, IsWrittenAsPostfixWritesIt)
{
    for (std::string name : {"dsn", "null-sender", "virtual-alias", "long-line"}) {
        SCOPED_TRACE(name);
        Decoded mail = golden_message(name);
        Envelope& envelope = mail.message.envelope;
        envelope.queue_id = std::exchange(envelope.client.ident, {});
        EXPECT_EQ(write_postfix_file(envelope, everybody(envelope), mail.message.facts, mail.content),
                  bytes_of_file(name));
    }
}

TEST(PostfixFile, IsWrittenToMaildropAsPostdropWritesIt)
{
    Decoded mail = golden_message("maildrop-4");
    std::string written = write_postfix_submission(mail.message.envelope, mail.content);
    std::string theirs = bytes_of_file("maildrop-4");
    theirs.replace(theirs.find("A\x16rewrite_context=remote"), 24, "A\x15rewrite_context=local");
    EXPECT_EQ(written, theirs);
}

TEST(PostfixFile, ReadsWhatItWrote)
{
    for (const std::string& name : names()) {
        SCOPED_TRACE(name);
        Decoded mail = golden_message(name);
        Envelope& envelope = mail.message.envelope;
        envelope.client.ident = "ABC123DEF";
        auto again =
            decode(write_postfix_file(envelope, everybody(envelope), mail.message.facts, mail.content, 1800000000));
        ASSERT_TRUE(again) << again.error().text();
        EXPECT_EQ(again->content, mail.content);
        EXPECT_EQ(again->message.facts, mail.message.facts);
        envelope.client.address.clear();
        EXPECT_EQ(again->message.envelope.recipients, envelope.recipients);
        EXPECT_EQ(again->message.envelope.sender, envelope.sender);
        EXPECT_EQ(again->message.envelope.filter, envelope.filter);
        EXPECT_EQ(again->message.envelope.trace, envelope.trace);
        EXPECT_EQ(again->message.envelope.dsn_envid, envelope.dsn_envid);
        EXPECT_EQ(again->message.envelope.smtputf8, envelope.smtputf8);
    }
}

TEST(PostfixFile, DamageIsRefused)
{
    auto refused = [](std::string_view file) {
        auto read = read_postfix_file(file);
        return !read && read.error().kind() == ErrorKind::Corrupt;
    };
    for (std::string name : {"dsn", "milter-edits", "maildrop-1"}) {
        const std::string whole = bytes_of_file(name);
        const std::size_t end = name == "milter-edits" ? 1092 : whole.size() - 2;  // the end record lies within
        for (std::size_t length = 0; length <= end; ++length)
            EXPECT_TRUE(refused(std::string_view(whole).substr(0, length))) << name << " of " << length;
        std::uint32_t noise = 1;
        for (int round = 0; round < 20000; ++round) {
            std::string bytes = whole;
            noise = noise * 1664525 + 1013904223;
            bytes[(noise >> 8) % bytes.size()] = static_cast<char>(noise >> 24);
            static_cast<void>(read_postfix_file(bytes));
        }
    }
    std::string unknown = bytes_of_file("dsn");
    unknown[unknown.find("S\x0d"
                         "a@example.com")] = 'Q';
    EXPECT_TRUE(refused(unknown));
    EXPECT_TRUE(refused("T\x01"
                        "1"
                        "S\x01"
                        "a"
                        "M\x00"))
        << "no end";
    EXPECT_TRUE(refused(std::string_view("T\x01"
                                         "1"
                                         "M\x00"
                                         "X\x00"
                                         "E\x00",
                                         9)))
        << "no sender";
    EXPECT_TRUE(refused("T\x01"
                        "1"
                        "p\x01"
                        "3"))
        << "a pointer to itself";
    EXPECT_TRUE(refused("T\xff\xff\xff\xff\x7f")) << "longer than the file";
    EXPECT_TRUE(refused("PHAMSG1\n"));
    EXPECT_TRUE(refused(""));
}

}  // namespace posthaste::queue
