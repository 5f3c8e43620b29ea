// qshape(1): how old the mail in the queue is, by domain.
#include "command/qshape/qshape.h"

int main(int argc, char** argv) { return posthaste::command::qshape::run(argc, argv); }
