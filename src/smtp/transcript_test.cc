#include "smtp/transcript.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace posthaste::smtp {
namespace {

TEST(ErrorClassOf, SaysWhatAReplyIsAbout)
{
    EXPECT_EQ(error_class_of({500, "5.5.2 Error: command not recognized"}), ErrorClass::Protocol);
    EXPECT_EQ(error_class_of({501, "Syntax: HELO hostname"}), ErrorClass::Protocol);
    EXPECT_EQ(error_class_of({501, "5.1.3 Bad recipient address syntax"}), ErrorClass::Protocol);
    EXPECT_EQ(error_class_of({554, "5.5.1 Error: no valid recipients"}), ErrorClass::Protocol);
    EXPECT_EQ(error_class_of({555, "5.5.4 Unsupported option: FOO"}), ErrorClass::Protocol);
    EXPECT_EQ(error_class_of({421, "4.7.0 mail.test Error: too many errors"}), ErrorClass::Protocol);
    EXPECT_EQ(error_class_of({554, "5.7.1 <a@b>: Sender address rejected: Access denied"}), ErrorClass::Policy);
    EXPECT_EQ(error_class_of({450, "later"}), ErrorClass::Policy);
    EXPECT_EQ(error_class_of({552, "5.3.4 Message size exceeds fixed limit"}), ErrorClass::Policy);
    EXPECT_EQ(error_class_of({451, "4.3.0 <a@b>: Temporary lookup failure"}), ErrorClass::Data);
    EXPECT_EQ(error_class_of({451, "4.3.5 Server configuration error"}), ErrorClass::Data);
    EXPECT_EQ(error_class_of({452, "4.3.1 Insufficient system storage"}), ErrorClass::Resource);
    EXPECT_EQ(error_class_of({451, "4.3.0 Error: queue file write error"}), ErrorClass::Resource);
}

TEST(Transcript, HasADirectionForEachLineAndABound)
{
    Transcript transcript;
    transcript.sent("250-a\r\n250 b\r\n");
    transcript.received("QUIT");
    EXPECT_EQ(transcript.text(), " Out: 250-a\n Out: 250 b\n In:  QUIT\n");
    for (int i = 0; i < 10'000; ++i)
        transcript.received("NOOP NOOP NOOP");
    EXPECT_LE(transcript.text().size(), Transcript::limit);
    EXPECT_EQ(transcript.lines(), static_cast<std::size_t>(std::ranges::count(transcript.text(), '\n')));
    transcript.clear();
    EXPECT_EQ(transcript.lines(), 0U);
    EXPECT_EQ(transcript.text(), "");
}

}  // namespace
}  // namespace posthaste::smtp
