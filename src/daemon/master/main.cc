// master — see README.md.
#include "daemon/master/master.h"

int main(int argc, char** argv) { return posthaste::master::run(argc, argv); }
