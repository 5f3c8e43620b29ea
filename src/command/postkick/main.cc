// postkick(1): sends a request to a service of the mail system.
#include "command/postkick/postkick.h"

int main(int argc, char** argv) { return posthaste::command::postkick::run(argc, argv); }
