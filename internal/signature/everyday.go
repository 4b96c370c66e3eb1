package signature

import (
	"strings"
	"sync"
)

// usual counts what everyday lines have at each place: four bytes, by their hash.
var usual = sync.OnceValue(func() *[1 << hashBits]uint16 {
	var count [1 << hashBits]uint16
	for at := 0; at+4 <= len(everyday); at++ {
		count[hash(four(everyday[at:]))]++
	}
	return &count
})

// four gives the four bytes that a text begins with.
func four(text string) uint32 {
	return uint32(text[0]) | uint32(text[1])<<8 | uint32(text[2])<<16 | uint32(text[3])<<24
}

// isEveryday reports whether everyday lines have a piece of text.
func isEveryday(piece string) bool {
	usual := usual()
	for at := 0; at+4 <= len(piece); at += 4 {
		if usual[hash(four(piece[at:]))] == 0 {
			return false
		}
	}
	return strings.Contains(everyday, piece)
}

// everyday are lines as builds that go well have them by the thousand. A pattern that is
// looked up by a piece of one would be tried on each, and the gate looks for what they have
// least of.
var everyday = strings.Join([]string{
	"checking for gcc... gcc", "checking whether the C compiler works... yes", "checking for suffix of object files... o", "checking whether gcc accepts -g... (cached) no",
	"checking how to run the C preprocessor... gcc -E", "checking for sys/types.h... yes", "config.status: creating src/Makefile", "config.status: executing depfiles commands",
	"make[2]: Entering directory '/usr/src/pkg-1.0/src/lib'", "make[2]: Leaving directory '/usr/src/pkg-1.0/src/lib'", "make  all-am", "make[1]: Nothing to be done for 'all'.", "Making all in src",
	"gcc -DHAVE_CONFIG_H -I. -I../.. -I../../src/lib -DMODULE_DIR=\\\"/usr/local/lib/pkg\\\" -std=gnu11 -g -O2 -Wall -Wextra -Werror -fPIC -MT main.o -MD -MP -MF .deps/main.Tpo -c -o main.o main.c",
	"libtool: compile:  gcc -DHAVE_CONFIG_H -I. -I/usr/local/include -c main.c  -fPIC -DPIC -o .libs/main.o", "libtool: link: gcc -shared  -fPIC -DPIC -Wl,--whole-archive ./.libs/libx.a -Wl,--no-whole-archive -lssl -lcrypto -Wl,-soname -Wl,libx.so.0 -o .libs/libx.so.0.0.0",
	"mv -f .deps/main.Tpo .deps/main.Po", "/bin/sh ../libtool  --tag=CC   --mode=compile gcc -c -o main.lo main.c", "ar cr libx.a main.o  && ranlib libx.a", "  CC       main.o", "  CCLD     prog", "  CXX      main.o", "  GEN      config.h",
	"clang++ -std=c++17 -fcolor-diagnostics -isystem /usr/local/include -o main.o -c main.cpp", "cc -O2 -pipe -fstack-protector-strong -fno-strict-aliasing -c main.c",
	"[ 12%] Building C object src/CMakeFiles/x.dir/main.c.o", "[100%] Linking CXX executable prog", "[ 50%] Built target x", "-- Looking for pthread.h - found", "-- Performing Test HAVE_X - Success", "-- Configuring done", "-- Found ZLIB: /usr/lib/libz.so (found version \"1.2.13\")",
	"[12/345] Compiling C object src/x.p/main.c.o", "[345/345] Linking target src/prog", "Compiler for C supports arguments -Wall: YES", "Dependency zlib found: YES 1.2.13", "Run-time dependency threads found: YES",
	"main.c: In function 'main':", "main.c:10:5: warning: unused variable 'x' [-Wunused-variable]", "main.c:12:3: note: declared here", "In file included from main.c:1:", "                 from ../../src/lib/x.h:20,", "   10 |     int x;", "      |         ^", "      |         ~~~~~~^~~~",
	"/usr/bin/install -c -m 644 x.h '/usr/local/include'", " /usr/bin/mkdir -p '/usr/local/bin'", "/bin/sh ../libtool   --mode=install /usr/bin/install -c   prog '/usr/local/bin'", "libtool: install: /usr/bin/install -c .libs/prog /usr/local/bin/prog", "PASS: test-main", "ok 12 - it works", "test-main ............................ : ok", "Installing /usr/local/bin/prog", "1 warning generated.",
	"checking for a BSD-compatible install... /usr/bin/install -c", "checking whether build environment is sane... yes", "checking for a race-free mkdir -p... /usr/bin/mkdir -p", "checking for gawk... gawk", "checking dependency style of gcc... gcc3",
	"checking for function prototypes... yes", "checking for size_t... yes", "checking size of long... 8", "checking for strcasecmp declaration... yes", "checking if libtool supports shared libraries... yes", "checking for ld used by gcc... /usr/bin/ld", "checking command to parse /usr/bin/nm -B output from gcc object... ok",
	"configure: creating ./config.status", "config.status: creating include/config.h", "Reading package lists... Done", "Setting up libssl-dev:amd64 (3.0.11-1) ...", "Unpacking gcc (4:12.2.0-3) ...",
	"main.c:20:1: warning: comparison of integer expressions of different signedness: 'int' and 'size_t' {aka 'long unsigned int'} [-Wsign-compare]", "main.c:31:7: warning: conversion from 'long int' to 'int' may change value [-Wconversion]", "main.c:8:1: warning: function declaration isn't a prototype [-Wstrict-prototypes]", "main.c:77:9: warning: leading zeros ignored, this statement may fall through [-Wimplicit-fallthrough=]", "main.c:5:3: warning: pointer targets in passing argument 1 of 'strlen' differ in signedness [-Wpointer-sign]", "main.cpp: In member function 'virtual int A::size() const':", "main.cpp: In instantiation of 'class std::vector<std::string>':", "include/boost/test/included/unit_test.hpp:18: note: in expansion of macro 'X'",
	"  |             static_cast<unsigned char>(value),", "   20 | #include \"private/file_types.h\"", "Scanning dependencies of target x", "Consolidate compiler generated dependencies of target x", "compiling main.c", "linking prog", "Test #12: main .... Passed 0.01 sec",
	"gcc -Wcast-align -Wold-style-definition -Wmissing-prototypes -Wmissing-declarations -Wstrict-prototypes -Wdeprecated-declarations -Wno-deprecated -Wformat=2 -Wshadow -Wundef -Iinclude -Wall -c x.c",
	"configure.ac:7: installing './compile'", "rm -f config.status config.log configure.ac", "cd . && /bin/sh missing --run autoconf", "cp ../configure.ac ../aclocal.m4 .", "checking whether the struct has the parameter... yes", "main.c:9:1: note: 'f' declared here", "Each file in its level, without exception, is external, qualified or obsolete",
	"depbase=`echo main.o | sed 's|[^/]*$|.deps/&|;s|\\.o$||'`;\\", "rm -f main.o conftest.c", "ln -s libx.so.0 libx.so", "cp -p main.h ../include", "chmod 644 libx.a", "for dir in src lib; do (cd $dir && make all) || exit 1; done", "if test -f main.c; then echo yes; else exit 1; fi", "creating libx.la", "(cd .libs && rm -f libx.la && ln -s ../libx.la libx.la)",
}, "\n")
