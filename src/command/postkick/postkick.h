// postkick.h — postkick(1): a trigger from a script.
//
// Services that take triggers, and what the letters mean, which are Postfix's:
//
//     public/pickup  W                 look into maildrop/ now
//     public/qmgr    I, W              there is new mail
//                    D                 try deferred mail that is due
//                    A                 try destinations again that did not answer
//                    F                 try all deferred mail now
//     public/flush   R, P              look through old logs of the flush service; through all of them
#pragma once

namespace posthaste::command::postkick {

// Exit status 0, or 1 after a line that says that nobody listens there, or what the usage is.
int run(int argc, char** argv);

}  // namespace posthaste::command::postkick
