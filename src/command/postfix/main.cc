// postfix(1) — see postfix.h.
#include "command/postfix/postfix.h"

int main(int argc, char** argv) { return posthaste::postfix::run(argc, argv); }
