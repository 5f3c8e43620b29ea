# What people type. Every target installs what is missing and builds what is out of date first; the work is done
# by CMake presets and by the programs in tools/.

.DEFAULT_GOAL := build
.PHONY: build bootstrap demo test bench check check-full install uninstall clean
PREFIX ?= /usr
DESTDIR ?=
FORCE ?=
PYTHON := /usr/bin/python3

bootstrap:
	@tools/bootstrap

build: bootstrap             # the optimised programs, in build/release
	@tools/build release programs manuals

demo: build                  # two private instances exchange mail
	@$(PYTHON) tools/demo

test: bootstrap              # unit tests and system tests
	@$(PYTHON) tools/check build unit system

bench: build                 # against Debian's Postfix in the same run
	@tools/yardstick
	@tools/build release bench_table_lookup
	@$(PYTHON) bench/run

check: bootstrap             # the gate: what every change must pass
	@$(PYTHON) tools/check

check-full: bootstrap        # the gate, and everything that takes long
	@$(PYTHON) tools/check --full

install: build
	DESTDIR=$(DESTDIR) cmake --install build/release --prefix $(PREFIX)

uninstall:                   # what install has installed; refused while there is mail that Postfix could not read
	@DESTDIR=$(DESTDIR) FORCE=$(FORCE) $(PYTHON) tools/uninstall build/release/install_manifest.txt

clean:
	rm -rf build/dev build/release build/asan build/tsan build/demo
