// postfix(1): start, stop and look after the mail system. What is a shell script in Postfix is this program; its
// messages carry the script's name, because that is what people search for.
#pragma once

namespace posthaste::postfix {

int run(int argc, char** argv);

}  // namespace posthaste::postfix
